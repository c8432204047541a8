"""A8: floods of connections and a low limit of file descriptors."""

import errno
import resource
import socket
import time

import harness
import process


class FloodTest(harness.Case):
    figures = ("flood",)

    def test_a_flood_of_connections_leaves_descriptors_for_the_store(self):
        connects = harness.size("connects", 3000)
        harness.need_tool("flood", "prlimit")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        server = self.server(
            wrapper=["prlimit", "--nofile=640:640"],
            settings={"network.connections_max": 300, "store.open_files_max": 64,
                      "store.memtable_bytes": "1MiB"})
        good = self.connect(server)
        good.call("SET", "before", 1)
        held, answered, peak_files = [], 0, 0
        for number in range(connects):
            held.append(self.knock(server.address))
            if len(held) > 900:
                answered += self.count_busy(held[:300])
                for sock in held[:300]:
                    sock.close()
                del held[:300]
            if number % 100 == 0:
                peak_files = max(peak_files, process.open_files(server.pid))
                # Writes that make the store open new files go on during the flood.
                good.call("SET", f"flood{number}", b"x" * 200_000)
        good.call("SAVE")
        good.call("BACKUP", "during-the-flood")
        began = time.monotonic()
        for sock in held:
            sock.close()
        harness.wait_until(lambda: self.serves(server), 5, "accepting again")
        resume_ms = (time.monotonic() - began) * 1000
        log = server.log()
        emfile = log.count("Too many open files") + log.count("EMFILE")
        self.assertEqual(good.call("GET", "before"), 1)
        self.assertEqual(good.call("VERIFY")["bad_rows"], 0)
        harness.figure("flood", emfile == 0 and resume_ms <= 1000 and answered > 0 and
                       peak_files < 640, connects=connects, emfile=emfile,
                       told_busy=answered, open_files_peak=peak_files, resume_ms=round(resume_ms))

    @staticmethod
    def knock(address):
        sock = socket.socket()
        sock.setblocking(False)
        code = sock.connect_ex(address)
        if code not in (0, errno.EINPROGRESS):
            sock.close()
            raise AssertionError(f"connect: {errno.errorcode.get(code, code)}")
        return sock

    @staticmethod
    def count_busy(sockets):
        told = 0
        for sock in sockets:
            try:
                told += b"busy" in sock.recv(4096)
            except OSError:
                pass
        return told

    @staticmethod
    def serves(server):
        try:
            with server.connect(5) as rpc:
                return rpc.call("PING") == "PONG"
        except (harness.Closed, harness.RpcError, OSError):
            return False


if __name__ == "__main__":
    harness.main()
