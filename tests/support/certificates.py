"""A certificate authority for one test run, and leaves of every kind that a probe meets."""

import subprocess


class Authority:
    """Writes PEM files into `directory`: NAME.pem holds the certificate and then the key."""

    def __init__(self, directory, name="ca"):
        self.directory = directory
        self.path = directory / f"{name}.crt"
        self._key = directory / f"{name}.key"
        _openssl(
            "req", "-x509", *_NEW_KEY, "-keyout", self._key, "-out", self.path, "-days", 30, "-subj", f"/CN=test {name}"
        )

    def issue(self, name, names=("localhost",), addresses=("127.0.0.1", "::1"), days=30):
        """A leaf with these names; `days` below zero makes one that has expired."""
        request, certificate, key = (self.directory / f"{name}.{end}" for end in ("csr", "crt", "key"))
        alternatives = ",".join([f"DNS:{one}" for one in names] + [f"IP:{one}" for one in addresses])
        subject = ["-subj", f"/CN={name}", "-addext", f"subjectAltName={alternatives}"]
        _openssl("req", *_NEW_KEY, "-keyout", key, "-out", request, *subject)
        signer = ["-CA", self.path, "-CAkey", self._key, "-CAcreateserial", "-copy_extensions", "copy"]
        _openssl("x509", "-req", "-in", request, *signer, "-days", days, "-out", certificate)
        return _joined(self.directory / f"{name}.pem", certificate, key)


def self_signed(directory, name="self-signed"):
    certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
    subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost"]
    _openssl("req", "-x509", *_NEW_KEY, "-keyout", key, "-out", certificate, "-days", 30, *subject)
    return _joined(directory / f"{name}.pem", certificate, key)


_NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def _joined(path, *parts):
    path.write_text("".join(part.read_text() for part in parts))
    path.chmod(0o644)
    return path


def _openssl(*words):
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {words[0]}: {done.stderr}")
