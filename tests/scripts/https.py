"""Serves FOLDER/web over HTTPS on this machine, until its standard input closes.

    https.py FOLDER

Makes an authority that nobody else knows, in FOLDER/authority.pem, and a certificate of it for
`localhost` and no other name. Says the port.
"""

import datetime
import functools
import http.server
import pathlib
import ssl
import sys
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def named(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def signed(subject, public, issuer, key, *extensions):
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(named(subject)).issuer_name(named(issuer))
    builder = builder.public_key(public).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=1))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def main():
    folder = pathlib.Path(sys.argv[1])
    authority, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = x509.BasicConstraints(ca=True, path_length=None)
    ours = signed("Test authority", authority.public_key(), "Test authority", authority, ca)
    (folder / "authority.pem").write_bytes(ours)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    certificate = signed("localhost", server.public_key(), "Test authority", authority, names)
    key = server.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "server.pem").write_bytes(key + certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=str(folder / "web")
    )
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    web.socket = context.wrap_socket(web.socket, server_side=True)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    print(web.server_port, flush=True)
    sys.stdin.read()


main()
