"""Builds the Debian package and looks at it the way an administrator would. check.py BUILD VERSION"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAMS = ("usr/bin/reprise-server", "usr/bin/reprise-cli")
UNIT = "usr/lib/systemd/system/reprise.service"
CONTENT = PROGRAMS + (UNIT, "etc/reprise/reprise.toml", "usr/share/doc/reprise/copyright",
                      "usr/share/doc/reprise/changelog.gz", "usr/share/reprise/prices.toml",
                      "usr/share/doc/reprise/README.md")


def run(*command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, **options)
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def build(folder):
    for old in folder.glob("reprise_*.deb"):
        old.unlink()
    run("cpack", "-G", "DEB", cwd=folder)
    packages = list(folder.glob("*.deb"))
    assert len(packages) == 1, packages
    return packages[0]


def check_control(package, version):
    field = {name: run("dpkg-deb", "-f", package, name).strip()
             for name in ("Package", "Version", "Architecture", "Depends", "Maintainer", "Description")}
    assert field["Package"] == "reprise" and field["Version"] == version, field
    for library in ("librocksdb7.8", "libuv1", "libssl3", "libc6"):
        assert library in field["Depends"], field["Depends"]
    assert len(field["Description"].splitlines()) > 1, field["Description"]


def check_content(package):
    rows = {}
    for line in run("dpkg-deb", "-c", package).splitlines():
        mode, owner, _, _, _, name = line.split(None, 5)
        assert owner == "root/root", line
        assert mode[5] != "w" and mode[8] != "w", f"writable by others: {line}"
        if not mode.startswith("d"):
            rows[name.removeprefix("./")] = mode
    assert sorted(rows) == sorted(CONTENT), f"content: {sorted(rows)}"
    assert all((mode[3] == "x") == (name in PROGRAMS) for name, mode in rows.items()), rows


def check_scripts(package, folder):
    control = folder / "control"
    run("dpkg-deb", "-e", package, control)
    assert (control / "conffiles").read_text().split() == ["/etc/reprise/reprise.toml"]
    for script in ("postinst", "prerm", "postrm"):
        run("sh", "-n", control / script)
        assert (control / script).stat().st_mode & 0o777 == 0o755, script
        starts = re.search(r"systemctl (start|restart|enable)\b", (control / script).read_text())
        assert not starts, f"{script} must not start the server"


def check_unpacked(package, folder, version):
    root = folder / "root"
    run("dpkg-deb", "-x", package, root)
    for program in PROGRAMS:
        assert version in run(root / program, "--version"), program
        assert "not stripped" not in run("file", root / program), program
    unit = root / UNIT
    if not shutil.which("systemd-analyze"):
        print("package: no systemd-analyze here; the unit was not verified")
        return
    # The program stands elsewhere until the package is installed.
    verified = folder / "reprise.service"
    verified.write_text(unit.read_text().replace("/usr/bin/reprise-server", str(root / PROGRAMS[0])))
    complaints = [line for line in run("systemd-analyze", "verify", "--man=no", verified).splitlines()
                  if "reprise" in line]
    assert not complaints, complaints


def main():
    folder, version = pathlib.Path(sys.argv[1]), sys.argv[2]
    package = build(folder)
    with tempfile.TemporaryDirectory() as scratch:
        check_control(package, version)
        check_content(package)
        check_scripts(package, pathlib.Path(scratch))
        check_unpacked(package, pathlib.Path(scratch), version)
    print(f"package name={package.name} bytes={package.stat().st_size} files={len(CONTENT)} ok")


if __name__ == "__main__":
    main()
