"""A real firewalld on a test's host: with a message bus and a configuration of its own, in the host's namespace."""

import os
import shlex

from process import wait_until

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"""


class Firewalld:
    """Running, its rules in force, when the constructor returns."""

    def __init__(self, host, ports=()):
        """`ports`: TCP, opened in the default zone from the start."""
        self.host = host
        directory = host.net.directory / f"firewalld-{host.name}"
        config = directory / "etc"
        for name in ("zones", "services", "policies", "ipsets", "helpers", "icmptypes"):
            (config / name).mkdir(parents=True)
        (config / "firewalld.conf").write_text("DefaultZone=public\nFirewallBackend=nftables\nLogDenied=off\n")
        if ports:
            opened = "".join(f'<port port="{port}" protocol="tcp"/>' for port in ports)
            (config / "zones" / "public.xml").write_text(f"<zone><short>Public</short>{opened}</zone>\n")
        socket = directory / "bus"
        (directory / "bus.conf").write_text(BUS.format(socket=socket))
        self.env = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={socket}"}
        host.start("dbus-daemon", "--config-file", directory / "bus.conf", "--nofork", "--nopidfile")
        wait_until(socket.exists, 10, "the message bus")
        self.process = host.start(
            "firewalld", "--nofork", "--nopid", "--system-config", config, log=directory / "log", env=self.env
        )
        wait_until(self._runs, 30, "firewalld")

    def _runs(self):
        if not self.process.running:
            raise RuntimeError(f"firewalld ended:\n{self.process.log()}")
        return self.shell("firewall-cmd --state", check=False).returncode == 0

    def shell(self, line, check=True):
        """A line of shell, with firewall-cmd talking to this firewalld."""
        bus = shlex.quote(self.env["DBUS_SYSTEM_BUS_ADDRESS"])
        return self.host.run("sh", "-c", f"export DBUS_SYSTEM_BUS_ADDRESS={bus}; {line}", check=check, timeout=60,
                             env={**os.environ})
