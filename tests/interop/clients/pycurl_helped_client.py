import io
import os

import pycurl
from outcome import client


@client
def get(host, port):
    curl = pycurl.Curl()
    curl.setopt(pycurl.CAINFO, os.environ["SSL_CERT_FILE"])
    curl.setopt(pycurl.URL, f"https://{host}:{port}/")
    curl.setopt(pycurl.WRITEDATA, io.BytesIO())
    curl.perform()
