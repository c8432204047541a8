// Settings: everything that a run was asked to do; one field for each option of reprise-bench.
//
// Units are in the names. Threads: values.
#pragma once

#include <cstdint>
#include <string>

namespace reprise::bench {

struct Settings {
  std::string workload = "get_hit";
  std::string server = "reprise";
  std::string address = "127.0.0.1:7377";
  std::string parser = "plain";  // redis: plain or hiredis; memcached: plain or meta
  std::size_t connections = 50;
  std::size_t pipeline = 1;
  std::size_t threads = 1;
  std::size_t value_bytes = 1024;
  std::uint64_t keys = 100'000;
  std::string distribution = "uniform";
  double theta = 0.99;
  double read_share = 0.9;
  double seconds = 10.0;
  std::uint64_t requests = 0;  // 0: as many as fit into `seconds`
  double warmup_seconds = 1.0;
  bool preload = false;
  bool preload_only = false;
  double rate = 0.0;  // per second; 0: closed loop
  std::uint64_t seed = 1;
  int pid = 0;  // 0: unknown
  double stall_seconds = 10.0;
  std::string json;  // a file, "-" for standard output
  bool quiet = false;
};

}  // namespace reprise::bench
