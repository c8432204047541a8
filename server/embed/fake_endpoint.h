// FakeEndpoint: an HTTP server that answers as a test tells it, right or wrong.
//
// Each connection is served by a thread of its own, one request after another. Threads: the
// behaviour is called on those, one at a time. Errors: a socket that cannot be made ends the test.
#pragma once

#include <functional>
#include <list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "protocol/base/mutex.h"

namespace reprise::embed {

struct FakeRequest {
  std::string head;
  std::string body;
};

struct FakeAnswer {
  std::string bytes;           // as they go out
  bool closes = false;         // the connection, afterwards
  bool waits_for_end = false;  // says nothing until the endpoint is destroyed
};

// A whole response around a body.
FakeAnswer Responded(int status, std::string_view body);
// The answer of an honest endpoint whose vector of a text is (bytes of the text, 1).
std::string HonestBody(const FakeRequest& request);

class FakeEndpoint {
 public:
  using Behaviour = std::function<FakeAnswer(const FakeRequest&)>;

  explicit FakeEndpoint(Behaviour behaviour);
  ~FakeEndpoint();
  FakeEndpoint(const FakeEndpoint&) = delete;
  FakeEndpoint& operator=(const FakeEndpoint&) = delete;
  FakeEndpoint(FakeEndpoint&&) = delete;
  FakeEndpoint& operator=(FakeEndpoint&&) = delete;

  std::string Url() const;
  // Requests that were answered, or are.
  std::vector<FakeRequest> Seen() const;

 private:
  void Accept();
  void Serve(int connection);

  Behaviour behaviour_;
  int listener_ = -1;
  int port_ = 0;
  mutable base::Mutex mutex_;
  std::vector<FakeRequest> seen_ GUARDED_BY(mutex_);
  std::vector<int> connections_ GUARDED_BY(mutex_);
  std::list<std::thread> servers_;  // of the accepting thread, until it is joined
  std::thread accepting_;
};

}  // namespace reprise::embed
