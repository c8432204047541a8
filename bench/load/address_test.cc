#include "bench/load/address.h"

#include <catch2/catch.hpp>

namespace reprise::bench {

TEST_CASE("Addresses are hosts with ports or paths") {
  const auto tcp = ParseAddress("127.0.0.1:6379");
  REQUIRE(tcp.ok());
  CHECK(tcp.value().host == "127.0.0.1");
  CHECK(tcp.value().port == "6379");
  const auto six = ParseAddress("[::1]:80");
  REQUIRE(six.ok());
  CHECK(six.value().host == "::1");
  for (const char* text : {"/tmp/x.sock", "unix:/tmp/x.sock"}) {
    const auto path = ParseAddress(text);
    REQUIRE(path.ok());
    CHECK(path.value().host.empty());
    CHECK(path.value().port == "/tmp/x.sock");
  }
}

TEST_CASE("What is no address is refused with a hint") {
  for (const char* text : {"", "localhost", ":80", "host:"}) {
    const auto address = ParseAddress(text);
    REQUIRE_FALSE(address.ok());
    CHECK(address.error().code == base::Code::kBadRequest);
    CHECK(address.error().detail.find("host:port") != std::string::npos);
  }
}

TEST_CASE("Connecting to nobody says so with the path") {
  const auto socket = Connect({"", "/nowhere/at/all.sock"});
  REQUIRE_FALSE(socket.ok());
  CHECK(socket.error().code == base::Code::kUnavailable);
  CHECK(socket.error().detail.find("/nowhere/at/all.sock") != std::string::npos);
}

}  // namespace reprise::bench
