// What the tests of this module share: a loop on its own thread, handlers that do one thing each,
// and a blocking client with deadlines.
//
// Threads: Catch2 assertions belong to the test's thread; handlers report through Journal. Errors:
// a client call that runs into its deadline or a reset says so in its result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"
#include "protocol/base/stream.h"
#include "server/loop/listener.h"
#include "server/loop/loop.h"
#include "server/loop/socket.h"

namespace reprise::loop::test {

inline constexpr int kDeadlineMs = 20'000;

// Lines that handlers write and a test waits for.
class Journal {
 public:
  void Write(std::string line);
  // Waits until `count` lines equal `line`; false after the deadline.
  bool Await(std::string_view line, std::size_t count = 1);
  std::size_t Count(std::string_view line);
  std::vector<std::string> Lines();

 private:
  base::Mutex mutex_;
  base::ConditionVariable changed_;
  std::vector<std::string> lines_ GUARDED_BY(mutex_);
};

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  TemporaryFolder(TemporaryFolder&&) = delete;
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;

  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A loop that runs from Start to the end of the object.
class LoopThread {
 public:
  explicit LoopThread(const base::Clock* clock = nullptr);
  ~LoopThread() { Stop(); }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;
  LoopThread(LoopThread&&) = delete;
  LoopThread& operator=(LoopThread&&) = delete;

  Loop& loop() { return *loop_; }
  void Start();
  void Stop();
  // Runs `work` on the loop and waits for its end.
  void Do(const std::function<void()>& work);

 private:
  base::SystemClock system_clock_;
  std::unique_ptr<Loop> loop_;
  std::thread thread_;
};

using HandlerFactory = std::function<std::unique_ptr<base::StreamHandler>(base::Stream&)>;

ListenOptions OnLoopback(HandlerFactory factory);

// Does nothing with anything; the other handlers override what they need.
class QuietHandler : public base::StreamHandler {
 public:
  explicit QuietHandler(base::Stream& stream, Journal* journal = nullptr)
      : stream_(stream), journal_(journal) {}
  std::span<char> ReadSpace() ON_LOOP_THREAD override { return {}; }
  void OnBytes(std::string_view /*bytes*/) ON_LOOP_THREAD override {}
  void OnEndOfInput() ON_LOOP_THREAD override { stream_.CloseAfterFlush(); }
  void OnResume() ON_LOOP_THREAD override {}
  void OnWritable() ON_LOOP_THREAD override {}
  void OnTick() ON_LOOP_THREAD override {}
  void OnClosed() ON_LOOP_THREAD override { Note("closed"); }

 protected:
  void Note(std::string line) {
    if (journal_ != nullptr) {
      journal_->Write(std::move(line));
    }
  }
  base::Stream& stream() const { return stream_; }

 private:
  base::Stream& stream_;
  Journal* journal_;
};

// Sends back what comes, and stops reading while the peer does not take it.
class EchoHandler : public QuietHandler {
 public:
  using QuietHandler::QuietHandler;
  void OnBytes(std::string_view bytes) ON_LOOP_THREAD override;
  void OnWritable() ON_LOOP_THREAD override;
};

HandlerFactory Echo(Journal* journal = nullptr);

class Client {
 public:
  static Client Tcp(std::uint16_t port, const std::string& host = "127.0.0.1");
  static Client Unix(const std::string& path);

  bool connected() const { return descriptor_.valid(); }
  int descriptor() const { return descriptor_.number(); }
  bool Send(std::string_view bytes) const;
  // What came before the end, a reset, the deadline or `bytes` were there.
  std::string Receive(std::size_t bytes) const;
  // Whether `bytes` come back when they are sent.
  bool Echoes(std::string_view bytes) const {
    return Send(bytes) && Receive(bytes.size()) == bytes;
  }
  // All until the end of the stream; `reset` tells of an end by error.
  std::string ReceiveToEnd(bool* reset = nullptr) const;
  // Sends all and receives as much at the same time, reading at most `chunk` bytes at once.
  std::string Exchange(std::string_view bytes, std::size_t chunk) const;
  void EndOutput() const;
  void Reset();

 private:
  Descriptor descriptor_;
};

// Pseudo-random bytes, the same each time.
std::string Pattern(std::size_t bytes);

}  // namespace reprise::loop::test
