"""Makes a bucket or container on a test server on this machine, and fills it.

    store.py s3    ENDPOINT BUCKET    [FOLDER]
    store.py azure ENDPOINT CONTAINER [FOLDER]    the emulator's account and public key

Waits until the server answers. Uploads every file below FOLDER under its path in it.
"""

import base64
import datetime
import hashlib
import hmac
import pathlib
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

ACCOUNT = "devstoreaccount1"
KEY = base64.b64decode(
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


def send(url, body, headers):
    """One PUT; the server may still be starting, and the place may be there already."""
    for attempt in range(240):
        try:
            request = urllib.request.Request(url, data=body, headers=headers(), method="PUT")
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).read()
            return
        except urllib.error.HTTPError as error:
            if error.code != 409:
                sys.exit(f"{url}: {error.code} {error.read().decode(errors='replace')}")
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.25)
    sys.exit(f"{url}: no server")


def s3(endpoint, path, body, query=""):
    # Without a type it would be taken for a form.
    headers = {"Content-Type": "application/octet-stream"}
    send(f"{endpoint}/{urllib.parse.quote(path)}{query}", body, lambda: headers)


def azure(endpoint, path, body, query=""):
    """Signed as Microsoft's documentation of Shared Key says."""
    quoted = urllib.parse.quote(path)
    is_blob = not query

    def headers():
        date = datetime.datetime.now(datetime.UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
        ours = {"x-ms-date": date, "x-ms-version": "2021-12-02"}
        if is_blob:
            ours["x-ms-blob-type"] = "BlockBlob"
        length = str(len(body)) if body else ""
        canonical = "".join(f"{name}:{ours[name]}\n" for name in sorted(ours))
        resource = f"/{ACCOUNT}/{ACCOUNT}/{quoted}"
        if not is_blob:
            resource += "\nrestype:container"
        kind = "application/octet-stream"
        text = f"PUT\n\n\n{length}\n\n{kind}\n\n\n\n\n\n\n{canonical}{resource}"
        signed = base64.b64encode(hmac.new(KEY, text.encode(), hashlib.sha256).digest()).decode()
        return ours | {"Authorization": f"SharedKey {ACCOUNT}:{signed}", "Content-Type": kind}

    send(f"{endpoint}/{quoted}{query}", body, headers)


def main():
    kind, endpoint, bucket, *rest = sys.argv[1:]
    put = {"s3": s3, "azure": azure}[kind]
    if kind == "azure" and not endpoint.endswith(ACCOUNT):
        endpoint = f"{endpoint}/{ACCOUNT}"
    put(endpoint, bucket, b"", "?restype=container" if kind == "azure" else "?")
    for folder in map(pathlib.Path, rest):
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        for path in files:
            put(endpoint, f"{bucket}/{path.relative_to(folder)}", path.read_bytes())
        print(f"{len(files)} files of {folder} in {bucket}")


main()
