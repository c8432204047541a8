// Progress: one line that is rewritten on a terminal, a line every few seconds elsewhere.
//
// Writes to standard error, so that results on standard output stay clean. Threads: one owner.
#pragma once

#include <cstdint>
#include <string>

namespace reprise::bench {

class Progress {
 public:
  // `quiet` shows nothing.
  Progress(std::string title, bool quiet);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  Progress(Progress&&) = delete;
  Progress& operator=(Progress&&) = delete;
  ~Progress();  // ends the line

  struct State {
    double elapsed_s = 0.0;
    double share = 0.0;  // of the work that is done, 0 to 1
    std::uint64_t calls = 0;
    std::uint64_t errors = 0;
  };
  void Show(const State& state);

 private:
  std::string title_;
  bool quiet_;
  bool terminal_;
  bool drawn_ = false;
  double shown_s_ = 0.0;
  std::uint64_t shown_calls_ = 0;
};

}  // namespace reprise::bench
