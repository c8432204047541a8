#include "client/cpp/fetcher.h"

#include <utility>

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
};

base::Result<std::unique_ptr<Fetcher>> Fetcher::Create(const Options& options,
                                                       FetcherOptions limits) {
  if (limits.wait_ms <= 0) {
    return Error{Code::kBadRequest, "FetcherOptions.wait_ms must be above 0"};
  }
  ASSIGN_OR_RETURN(auto client, AsyncClient::Create(options, limits.limits));
  return std::unique_ptr<Fetcher>(new Fetcher(std::move(client), options, limits));
}

Fetcher::Fetcher(std::unique_ptr<AsyncClient> client, const Options& options, FetcherOptions limits)
    : limits_(limits),
      request_timeout_ms_(options.request_timeout_ms),
      client_(std::move(client)),
      caller_(*client_),
      renewer_(std::make_unique<LeaseRenewer>(
          *client_, options.clock == nullptr ? system_clock_ : *options.clock)) {}

Fetcher::~Fetcher() = default;

base::Result<FetchResult> Fetcher::Ask(std::string_view prompt,
                                       const FetchOrComputeOptions& options) {
  FetchOptions fetch = options.fetch;
  if (fetch.wait && fetch.wait_ms == 0) {
    fetch.wait_ms = limits_.wait_ms;
  }
  const std::int64_t call_ms = options.timeout_ms > 0 ? options.timeout_ms : request_timeout_ms_;
  return caller_.Cache().Fetch(prompt, fetch,
                               {.timeout_ms = call_ms + (fetch.wait ? fetch.wait_ms : 0)});
}

base::Result<FetchOutcome> Fetcher::FetchOrCompute(std::string_view prompt, const Compute& compute,
                                                   const FetchOrComputeOptions& options) {
  auto asked = Ask(prompt, options);
  if (!asked.ok()) {
    if (!options.fail_open.value_or(limits_.fail_open) || !IsDown(asked.error())) {
      return std::move(asked).error();
    }
    FetchResult down;
    down.reason = asked.error().detail;
    return ComputeAlone(down, compute, asked.error());
  }
  const FetchResult& fetched = asked.value();
  switch (fetched.status) {
    case FetchStatus::kHit:
    case FetchStatus::kStale:
      return OutcomeOf(fetched);
    case FetchStatus::kError:
      return Error{Code::kUnavailable, "the upstream failed for another caller: " + fetched.error +
                                           "; try again in " +
                                           std::to_string(fetched.retry_after_ms) + " ms"};
    case FetchStatus::kLease:
      return ComputeUnderLease(fetched, compute, options);
    case FetchStatus::kMiss:
    case FetchStatus::kBypass:
    case FetchStatus::kTimeout:
      break;
  }
  return ComputeAlone(fetched, compute, std::nullopt);
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

}  // namespace reprise::client
