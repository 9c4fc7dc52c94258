import boto3
from botocore.config import Config
from outcome import client


@client
def ask(host, port):
    session = boto3.Session(aws_access_key_id="dummy", aws_secret_access_key="dummy", region_name="eu-west-1")
    sts = session.client("sts", endpoint_url=f"https://{host}:{port}", config=Config(retries={"total_max_attempts": 1}))
    assert sts.get_caller_identity()["Account"] == "123456789012"
