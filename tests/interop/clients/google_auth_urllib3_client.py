from google.auth.credentials import AnonymousCredentials
from google.auth.transport.urllib3 import AuthorizedHttp
from outcome import client


@client
def get(host, port):
    http = AuthorizedHttp(AnonymousCredentials())
    assert http.urlopen("GET", f"https://{host}:{port}/", retries=False).status == 200
