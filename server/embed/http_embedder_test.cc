#include "server/embed/http_embedder.h"

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "server/embed/fake_endpoint.h"

namespace reprise::embed {
namespace {

using base::Code;
using base::Result;
using State = CircuitBreaker::State;

HttpEmbedderOptions OptionsFor(const FakeEndpoint& endpoint) {
  HttpEmbedderOptions options;
  options.url = endpoint.Url();
  options.model = "small";
  options.width = 2;
  options.deadline_ms = 10'000;
  return options;
}

class Embedding {
 public:
  explicit Embedding(const HttpEmbedderOptions& options) {
    auto started = HttpEmbedder::Start(options, clock);
    REQUIRE(started.ok());
    embedder = std::move(started).value();
  }

  std::future<Result<Vector>> Later(std::string text) const {
    auto promise = std::make_shared<std::promise<Result<Vector>>>();
    auto future = promise->get_future();
    const auto status = embedder->Submit(std::move(text), [promise](Result<Vector> result) {
      promise->set_value(std::move(result));
    });
    if (!status.ok()) {
      promise->set_value(status.error());
    }
    return future;
  }
  Result<Vector> Now(std::string text) const { return Later(std::move(text)).get(); }
  Code Failure(std::string text) const {
    const auto result = Now(std::move(text));
    REQUIRE(!result.ok());
    return result.error().code;
  }

  base::FakeClock clock;
  std::unique_ptr<HttpEmbedder> embedder;
};

FakeAnswer Honest(const FakeRequest& request) {
  return Responded(200, HonestBody(request));
}

TEST_CASE("an honest endpoint's vectors arrive, of length 1") {
  const FakeEndpoint endpoint(Honest);
  const Embedding embedding(OptionsFor(endpoint));
  const auto vector = embedding.Now("abc");
  INFO((vector.ok() ? "" : vector.error().detail));
  REQUIRE(vector.ok());
  CHECK(vector.value()[0] == Approx(3 / std::sqrt(10.0)));
  CHECK(endpoint.Seen().front().head.find("POST /v1/embeddings") == 0);
  CHECK(endpoint.Seen().front().head.find("Authorization") == std::string::npos);
  CHECK(embedding.embedder->Read().texts == 1);
  CHECK(embedding.embedder->Name() == "http");
}

TEST_CASE("texts that come while a request is under way go together in the next") {
  std::promise<void> all_came;
  std::shared_future<void> came = all_came.get_future().share();
  const FakeEndpoint endpoint([came](const FakeRequest& request) {
    came.wait();
    return Honest(request);
  });
  HttpEmbedderOptions options = OptionsFor(endpoint);
  options.requests_max = 1;
  options.texts_per_request_max = 4;
  const Embedding embedding(options);
  std::vector<std::future<Result<Vector>>> results;
  for (std::size_t i = 1; i <= 10; ++i) {
    results.push_back(embedding.Later(std::string(i, 'x')));
  }
  all_came.set_value();
  for (std::size_t i = 1; i <= 10; ++i) {
    const auto result = results[i - 1].get();
    REQUIRE(result.ok());
    CHECK(result.value()[0] / result.value()[1] == Approx(i));
  }
  CHECK(embedding.embedder->Read().requests <= 5);
  CHECK(embedding.embedder->Read().requests >= 3);
}

TEST_CASE("the key comes from the environment and goes into the header") {
  const FakeEndpoint endpoint(Honest);
  HttpEmbedderOptions options = OptionsFor(endpoint);
  options.key_variable = "REPRISE_TEST_EMBEDDINGS_KEY";
  ::unsetenv("REPRISE_TEST_EMBEDDINGS_KEY");
  const base::FakeClock clock;
  CHECK(!HttpEmbedder::Start(options, clock).ok());
  ::setenv("REPRISE_TEST_EMBEDDINGS_KEY", "letmein", 1);
  const Embedding embedding(options);
  CHECK(embedding.Now("x").ok());
  CHECK(endpoint.Seen().front().head.find("Authorization: Bearer letmein") != std::string::npos);
}

TEST_CASE("an endpoint that misbehaves is a failure that says how, and never a wait") {
  const std::vector<std::pair<FakeAnswer, Code>> misdeeds{
      {{"", true}, Code::kUnavailable},
      {{"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"data\"", true}, Code::kUnavailable},
      {{"not HTTP at all\r\n\r\n", true}, Code::kUnavailable},
      {Responded(500, "{}"), Code::kUnavailable},
      {Responded(429, "{}"), Code::kUnavailable},
      {Responded(401, "{}"), Code::kUnavailable},
      {Responded(302, ""), Code::kUnavailable},
      {Responded(400, "{}"), Code::kBadRequest},
      {Responded(200, "{\"data\":[{\"embed"), Code::kUnavailable},
      {Responded(200, R"({"data":[]})"), Code::kUnavailable},
      {Responded(200, R"({"data":[{"index":0,"embedding":[1,2,3]}]})"), Code::kUnavailable},
      {Responded(200, R"({"data":[{"index":0,"embedding":[NaN,1]}]})"), Code::kUnavailable},
      {Responded(200, R"({"data":[{"index":0,"embedding":[0,0]}]})"), Code::kUnavailable},
      {Responded(200, R"({"data":[{"index":7,"embedding":[1,0]}]})"), Code::kUnavailable},
      {Responded(200, std::string(5'000, ' ')), Code::kUnavailable},
      {{"HTTP/1.1 200 OK\r\n\r\n" + std::string(100'000, ' '), true}, Code::kUnavailable}};
  for (const auto& [answer, code] : misdeeds) {
    const FakeEndpoint endpoint([&answer = answer](const FakeRequest&) { return answer; });
    HttpEmbedderOptions options = OptionsFor(endpoint);
    options.answer_bytes_max = 4'096;
    const Embedding embedding(options);
    INFO(answer.bytes.substr(0, 120));
    CHECK(embedding.Failure("x") == code);
  }
}

TEST_CASE("an endpoint that says nothing is left at the deadline") {
  const FakeEndpoint endpoint([](const FakeRequest&) { return FakeAnswer{"", false, true}; });
  HttpEmbedderOptions options = OptionsFor(endpoint);
  options.deadline_ms = 5;
  const Embedding embedding(options);
  CHECK(embedding.Failure("x") == Code::kTimeout);
}

TEST_CASE("nobody listens: the failure comes at once") {
  HttpEmbedderOptions options;
  {
    const FakeEndpoint endpoint(Honest);
    options = OptionsFor(endpoint);
  }
  const Embedding embedding(options);
  CHECK(embedding.Failure("x") == Code::kUnavailable);
}

TEST_CASE("an endpoint that fails again and again is left alone, and asked again later") {
  auto is_well = std::make_shared<std::atomic<bool>>(false);
  const FakeEndpoint endpoint([is_well](const FakeRequest& request) {
    return *is_well ? Honest(request) : Responded(503, "{}");
  });
  HttpEmbedderOptions options = OptionsFor(endpoint);
  options.breaker = {2, 1'000};
  Embedding embedding(options);
  CHECK(embedding.Failure("a") == Code::kUnavailable);
  CHECK(embedding.Failure("b") == Code::kUnavailable);
  CHECK(embedding.embedder->Read().breaker == State::kOpen);
  CHECK(embedding.Failure("c") == Code::kUnavailable);
  CHECK(endpoint.Seen().size() == 2);
  CHECK(embedding.embedder->Read().refused == 1);

  embedding.clock.Advance(1'000);
  CHECK(embedding.Failure("probe") == Code::kUnavailable);
  CHECK(endpoint.Seen().size() == 3);
  CHECK(embedding.embedder->Read().breaker == State::kOpen);

  *is_well = true;
  embedding.clock.Advance(1'000);
  CHECK(embedding.Now("probe").ok());
  CHECK(embedding.embedder->Read().breaker == State::kClosed);
  CHECK(embedding.Now("d").ok());
}

TEST_CASE("a text that the endpoint refuses does not open the breaker") {
  const FakeEndpoint endpoint([](const FakeRequest&) { return Responded(413, "{}"); });
  HttpEmbedderOptions options = OptionsFor(endpoint);
  options.breaker = {1, 1'000};
  const Embedding embedding(options);
  CHECK(embedding.Failure("a") == Code::kBadRequest);
  CHECK(embedding.Failure("b") == Code::kBadRequest);
  CHECK(embedding.embedder->Read().breaker == State::kClosed);
}

TEST_CASE("a full queue refuses, and the end of the embedder calls everybody back") {
  const FakeEndpoint endpoint([](const FakeRequest&) { return FakeAnswer{"", false, true}; });
  HttpEmbedderOptions options = OptionsFor(endpoint);
  options.requests_max = 1;
  options.texts_per_request_max = 1;
  options.queue_max = 2;
  std::vector<std::future<Result<Vector>>> results;
  {
    const Embedding embedding(options);
    for (int i = 0; i < 4; ++i) {
      results.push_back(embedding.Later("x"));
    }
  }
  std::size_t busy = 0;
  for (auto& result : results) {
    const auto failure = result.get();
    REQUIRE(!failure.ok());
    busy += failure.error().code == Code::kBusy ? 1 : 0;
    CHECK((failure.error().code == Code::kBusy || failure.error().code == Code::kShuttingDown));
  }
  CHECK(busy >= 1);
}

TEST_CASE("options that make no sense are refused, and text that is not UTF-8") {
  const FakeEndpoint endpoint(Honest);
  const base::FakeClock clock;
  HttpEmbedderOptions options = OptionsFor(endpoint);
  options.url = "file:///etc/passwd";
  CHECK(!HttpEmbedder::Start(options, clock).ok());
  options = OptionsFor(endpoint);
  options.width = 0;
  CHECK(!HttpEmbedder::Start(options, clock).ok());
  options = OptionsFor(endpoint);
  options.model.clear();
  CHECK(!HttpEmbedder::Start(options, clock).ok());
  const Embedding embedding(OptionsFor(endpoint));
  CHECK(embedding.Failure("\xff") == Code::kBadRequest);
}

TEST_CASE("endpoints and models are told apart by their fingerprints") {
  const FakeEndpoint endpoint(Honest);
  HttpEmbedderOptions options = OptionsFor(endpoint);
  const Embedding one(options);
  options.model = "large";
  const Embedding other(options);
  CHECK(one.embedder->Fingerprint() != other.embedder->Fingerprint());
  CHECK(one.embedder->Fingerprint().size() <= kFingerprintBytesMax);
}

}  // namespace
}  // namespace reprise::embed
