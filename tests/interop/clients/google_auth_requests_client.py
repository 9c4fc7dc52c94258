from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession
from outcome import client


@client
def get(host, port):
    AuthorizedSession(AnonymousCredentials()).get(f"https://{host}:{port}/").raise_for_status()
