"""The C++ client's FetchOrCompute and its example bot, against the built server."""

import os
import re
import socket
import subprocess

import harness

ANSWER = 'I have thought about "What is RAII?" and the answer is 13.\n'


def program(name):
    return os.path.join(harness.build_dir(), "bin", name)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class CppClientTest(harness.Case):
    def run_bot(self, address, questions):
        done = subprocess.run([program("example_bot"), address], input="\n".join(questions) + "\n",
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, done.stderr

    def test_every_case_of_the_client_holds_against_this_server(self):
        address = "{}:{}".format(*self.server().address)
        done = subprocess.run([program("client_cpp_server_test")], capture_output=True, text=True,
                              env={**os.environ, "REPRISE_ADDRESS": address}, timeout=120,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"All tests passed \(\d+ assertions in [1-9]\d* test cases\)")

    def test_the_example_bot_computes_once_and_then_answers_from_the_cache(self):
        address = "{}:{}".format(*self.server().address)
        out, told = self.run_bot(address, ["What is RAII?", "what is  raii"])
        self.assertEqual(out, ANSWER * 2)
        self.assertRegex(told, r"\[lease\]\n  \[hit, saved \d+ tokens\]")
        self.assertIsNone(re.search("error", told))

    def test_the_example_bot_goes_on_without_a_server(self):
        out, told = self.run_bot(f"127.0.0.1:{free_port()}", ["What is RAII?"])
        self.assertEqual(out, ANSWER)
        self.assertIn("no cache", told)


if __name__ == "__main__":
    harness.main()
