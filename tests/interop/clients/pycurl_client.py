import io

import pycurl
from outcome import client


@client
def get(host, port):
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, f"https://{host}:{port}/")
    curl.setopt(pycurl.WRITEDATA, io.BytesIO())
    curl.perform()
