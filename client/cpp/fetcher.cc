#include "client/cpp/fetcher.h"

#include <algorithm>
#include <utility>

#include "client/cpp/following_caller.h"
#include "client/cpp/lease_renewer.h"

namespace reprise::client {
namespace {

using base::Blame;
using base::Code;
using base::Error;

// What `fail_open` goes on after: the cache is to blame, or the question is too large for it.
bool IsDown(const Error& error) {
  return base::RowOf(error.code).blame != Blame::kCaller || error.code == Code::kTooLarge;
}

ComputeContext ContextOf(const FetchResult& fetched) {
  return {fetched.reason, fetched.found.response};
}

Error UpstreamFailed(const FetchResult& fetched) {
  return Error{Code::kUnavailable, "the upstream failed for another caller: " + fetched.error +
                                       "; try again in " + std::to_string(fetched.retry_after_ms) +
                                       " ms"};
}

FetchOutcome OutcomeOf(const FetchResult& fetched) {
  FetchOutcome outcome;
  outcome.response = fetched.found.response;
  outcome.status = fetched.status;
  outcome.found = fetched.found;
  outcome.reason = fetched.reason;
  return outcome;
}

// Without a lease: there is nothing to fill.
base::Result<FetchOutcome> ComputeAlone(const FetchResult& fetched, const Fetcher::Compute& compute,
                                        std::optional<Error> why) {
  ASSIGN_OR_RETURN(Computed computed, compute(ContextOf(fetched)));
  FetchOutcome outcome = OutcomeOf(fetched);
  outcome.response = std::move(computed.response);
  outcome.computed = true;
  outcome.error = std::move(why);
  return outcome;
}

}  // namespace

// A lease while somebody computes. Given back when this ends without a fill, also by an exception.
class Fetcher::Lease {
 public:
  Lease(Fetcher& fetcher, const FetchResult& fetched) : fetcher_(fetcher), token_(fetched.lease) {
    fetcher_.renewer_->Add(token_, fetched.lease_ms);
  }
  ~Lease() {
    fetcher_.renewer_->Remove(token_);
    if (!is_over_) {
      Abandon({});
    }
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  Lease(Lease&&) = delete;
  Lease& operator=(Lease&&) = delete;

  base::Result<StoreResult> Fill(const Computed& computed, const CallOptions& call) {
    auto filled = fetcher_.caller_.Cache().Fill(token_, computed.response, computed.facts, call);
    // What was refused, or did not arrive, keeps others waiting no longer.
    is_over_ = filled.ok();
    return filled;
  }
  // What is too large comes too late for a fill: the lease is given up at once.
  void Append(const base::Value& chunk, const CallOptions& call) {
    if (refused_.has_value()) {
      return;  // Followers get the rest with the whole answer.
    }
    const auto appended = fetcher_.caller_.Cache().Append(token_, chunk, call);
    if (appended.ok()) {
      return;
    }
    refused_ = appended.error();
    if (refused_->code == Code::kTooLarge) {
      Abandon({.error = refused_->detail});
    }
  }
  base::Result<StoreResult> FillChunks(const base::Value::Array& chunks, const AnswerFacts& facts,
                                       const CallOptions& call) {
    if (is_over_) {
      return *refused_;
    }
    const bool are_there = !chunks.empty() && !refused_.has_value();
    return Fill({are_there ? base::Value() : base::Value(chunks), facts}, call);
  }
  // Told without waiting for an answer: if it does not arrive, the lease ends by itself.
  void Abandon(const AbandonOptions& options) {
    is_over_ = true;
    base::Value::Array params{token_};
    if (!options.error.empty()) {
      base::Value::Map named{{"error", options.error}};
      if (options.ttl_ms > 0) {
        named.emplace_back("ttl_ms", options.ttl_ms);
      }
      params.emplace_back(std::move(named));
    }
    (void)fetcher_.client_
        ->Call("CACHE.ABANDON", params, {}, [](const base::Result<base::Value>&) {})
        .ok();
  }

 private:
  Fetcher& fetcher_;
  const std::string token_;
  bool is_over_ = false;
  std::optional<Error> refused_;  // a chunk, and so all that follow
};

// What the reader of a stream was given, and what is still to come. A holder that goes away is
// followed by another one, whose chunks begin anew.
class Fetcher::Reading {
 public:
  explicit Reading(const StreamReader& reader) : reader_(reader) {}

  // A chunk of somebody else's stream.
  void Take(const Chunk& chunk) {
    if (chunk.index == 0) {
      BeginAnew();
      has_gap_ = false;
    }
    // Behind a gap nothing fits: the whole answer brings the rest.
    has_gap_ = has_gap_ || chunk.index != given_.size() || cut_.has_value();
    if (!has_gap_) {
      Give(chunk.value);
    }
  }
  void Give(const base::Value& chunk) {
    given_.push_back(chunk);
    reader_.on_chunk(chunk);
  }
  // What of the whole answer is missing; all of it when it is another one.
  void Finish(const base::Value& response) {
    const base::Value::Array whole =
        response.AsArray() != nullptr ? *response.AsArray() : base::Value::Array{response};
    const bool fits =
        whole.size() >= given_.size() && std::equal(given_.begin(), given_.end(), whole.begin());
    if (!fits) {
      BeginAnew();
    }
    while (!cut_.has_value() && given_.size() < whole.size()) {
      Give(whole[given_.size()]);
    }
  }
  void BeginAnew() {
    if (given_.empty() || cut_.has_value()) {
      return;
    }
    if (!reader_.on_restart) {
      cut_ = Error{Code::kUnavailable, "the stream was cut after " + std::to_string(given_.size()) +
                                           " chunks and begins anew; give on_restart to go on"};
      return;
    }
    given_.clear();
    reader_.on_restart();
  }
  // Why the reader cannot go on.
  const std::optional<Error>& cut() const { return cut_; }
  const base::Value::Array& given() const { return given_; }

 private:
  const StreamReader& reader_;
  base::Value::Array given_;
  std::optional<Error> cut_;
  bool has_gap_ = false;
};

base::Result<std::unique_ptr<Fetcher>> Fetcher::Create(const Options& options,
                                                       FetcherOptions limits) {
  if (limits.wait_ms <= 0) {
    return Error{Code::kBadRequest, "FetcherOptions.wait_ms must be above 0"};
  }
  auto router = std::make_shared<ChunkRouter>();
  Options routed = options;
  routed.on_notification = [router, other = options.on_notification](std::string_view method,
                                                                     const base::Value& params) {
    if (!router->Take(method, params) && other) {
      other(method, params);
    }
  };
  ASSIGN_OR_RETURN(auto client, AsyncClient::Create(routed, limits.limits));
  return std::unique_ptr<Fetcher>(
      new Fetcher(std::move(client), std::move(router), options, limits));
}

Fetcher::Fetcher(std::unique_ptr<AsyncClient> client, std::shared_ptr<ChunkRouter> router,
                 const Options& options, FetcherOptions limits)
    : limits_(limits),
      request_timeout_ms_(options.request_timeout_ms),
      router_(std::move(router)),
      client_(std::move(client)),
      caller_(*client_),
      renewer_(std::make_unique<LeaseRenewer>(
          *client_, options.clock == nullptr ? system_clock_ : *options.clock)) {}

Fetcher::~Fetcher() = default;

base::Result<Fetcher::Asked> Fetcher::Ask(Caller& caller, std::string_view prompt,
                                          const FetchOrComputeOptions& options) {
  FetchOptions fetch = options.fetch;
  if (fetch.wait && fetch.wait_ms == 0) {
    fetch.wait_ms = limits_.wait_ms;
  }
  const std::int64_t call_ms = options.timeout_ms > 0 ? options.timeout_ms : request_timeout_ms_;
  auto asked = caller.Cache().Fetch(prompt, fetch,
                                    {.timeout_ms = call_ms + (fetch.wait ? fetch.wait_ms : 0)});
  if (asked.ok()) {
    return Asked{std::move(asked).value(), std::nullopt};
  }
  if (!options.fail_open.value_or(limits_.fail_open) || !IsDown(asked.error())) {
    return std::move(asked).error();
  }
  Asked down;
  down.fetched.reason = asked.error().detail;
  down.down = std::move(asked).error();
  return down;
}

base::Result<FetchOutcome> Fetcher::FetchOrCompute(std::string_view prompt, const Compute& compute,
                                                   const FetchOrComputeOptions& options) {
  ASSIGN_OR_RETURN(const Asked asked, Ask(caller_, prompt, options));
  const FetchResult& fetched = asked.fetched;
  switch (fetched.status) {
    case FetchStatus::kHit:
    case FetchStatus::kStale:
      return OutcomeOf(fetched);
    case FetchStatus::kError:
      return UpstreamFailed(fetched);
    case FetchStatus::kLease:
      return ComputeUnderLease(fetched, compute, options);
    case FetchStatus::kMiss:
    case FetchStatus::kBypass:
    case FetchStatus::kTimeout:
      break;
  }
  return ComputeAlone(fetched, compute, asked.down);
}

base::Result<FetchOutcome> Fetcher::ComputeUnderLease(const FetchResult& fetched,
                                                      const Compute& compute,
                                                      const FetchOrComputeOptions& options) {
  Lease lease(*this, fetched);
  FetchOutcome outcome = OutcomeOf(fetched);
  auto computed = compute(ContextOf(fetched));
  if (!computed.ok()) {
    lease.Abandon({computed.error().detail, options.error_ttl_ms});
    if (!options.stale_if_error || fetched.found.response.IsNil()) {
      return std::move(computed).error();
    }
    outcome.status = FetchStatus::kStale;
    outcome.error = std::move(computed).error();
    return outcome;
  }
  outcome.computed = true;
  outcome.response = computed.value().response;
  // An answer that could not be stored is an answer all the same.
  const auto filled = lease.Fill(computed.value(), {.timeout_ms = options.timeout_ms});
  if (filled.ok()) {
    outcome.stored = filled.value().stored;
    outcome.reason = filled.value().stored ? outcome.reason : filled.value().reason;
  } else {
    outcome.error = filled.error();
  }
  return outcome;
}

base::Result<FetchOutcome> Fetcher::FetchOrComputeStream(std::string_view prompt,
                                                         const ComputeStream& compute,
                                                         const StreamReader& reader,
                                                         const FetchOrComputeOptions& options) {
  Reading reading(reader);
  FetchOrComputeOptions followed = options;
  followed.fetch.stream = router_->NewLabel();
  FollowingCaller caller(*client_, *router_, followed.fetch.stream,
                         [&reading](const Chunk& chunk) { reading.Take(chunk); });
  ASSIGN_OR_RETURN(const Asked asked, Ask(caller, prompt, followed));
  const FetchResult& fetched = asked.fetched;
  if (fetched.status == FetchStatus::kError) {
    return UpstreamFailed(fetched);
  }
  if (fetched.status != FetchStatus::kHit && fetched.status != FetchStatus::kStale) {
    return ComputeStreamed(asked, compute, options, reading);
  }
  reading.Finish(fetched.found.response);
  if (reading.cut().has_value()) {
    return *reading.cut();
  }
  FetchOutcome outcome = OutcomeOf(fetched);
  outcome.response = base::Value(reading.given());
  return outcome;
}

base::Result<FetchOutcome> Fetcher::ComputeStreamed(const Asked& asked,
                                                    const ComputeStream& compute,
                                                    const FetchOrComputeOptions& options,
                                                    Reading& reading) {
  std::optional<Lease> lease;
  if (asked.fetched.status == FetchStatus::kLease) {
    lease.emplace(*this, asked.fetched);
  }
  reading.BeginAnew();
  if (reading.cut().has_value()) {
    return *reading.cut();
  }
  const CallOptions call{.timeout_ms = options.timeout_ms};
  const auto facts = compute(ContextOf(asked.fetched), [&](const base::Value& chunk) {
    if (lease.has_value()) {
      lease->Append(chunk, call);
    }
    reading.Give(chunk);
  });
  if (!facts.ok()) {
    if (lease.has_value()) {
      lease->Abandon({facts.error().detail, options.error_ttl_ms});
    }
    return facts.error();
  }
  FetchOutcome outcome = OutcomeOf(asked.fetched);
  outcome.computed = true;
  outcome.response = base::Value(reading.given());
  outcome.error = asked.down;
  if (!lease.has_value()) {
    return outcome;
  }
  const auto filled = lease->FillChunks(reading.given(), facts.value(), call);
  if (filled.ok()) {
    outcome.stored = filled.value().stored;
    outcome.reason = filled.value().stored ? outcome.reason : filled.value().reason;
  } else {
    outcome.error = filled.error();
  }
  return outcome;
}

}  // namespace reprise::client
