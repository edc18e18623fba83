"""A certificate authority for one test run, and leaves of every kind that a probe meets."""

import subprocess
import time


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
        """A leaf with these names, valid for so many days; below zero for one that has expired."""
        request, certificate, key = (self.directory / f"{name}.{end}" for end in ("csr", "crt", "key"))
        alternatives = ",".join([f"DNS:{one}" for one in names] + [f"IP:{one}" for one in addresses])
        subject = ["-subj", f"/CN={name}", "-addext", f"subjectAltName={alternatives}"]
        _openssl("req", *_NEW_KEY, "-keyout", key, "-out", request, *subject)
        # `openssl ca` rather than x509: that one makes nothing that expired days ago.
        config = self.directory / f"{name}.cnf"
        database = self.directory / f"{name}.db"
        database.write_text("")
        config.write_text(
            f"[ca]\ndefault_ca=a\n[a]\ndatabase={database}\nnew_certs_dir={self.directory}\ndefault_md=sha256\n"
            "policy=p\ncopy_extensions=copy\nrand_serial=yes\n[p]\ncommonName=supplied\n"
        )
        dates = ["-startdate", _utc(min(days, 0) - 1), "-enddate", _utc(days)]
        signer = ["-config", config, "-cert", self.path, "-keyfile", self._key, "-notext", "-batch"]
        _openssl("ca", *signer, *dates, "-in", request, "-out", certificate)
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


def _utc(days):
    """That many days from now, as `openssl ca` takes it."""
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400))


def _openssl(*words):
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {words[0]}: {done.stderr}")
