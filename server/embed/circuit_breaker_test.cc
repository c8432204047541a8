#include "server/embed/circuit_breaker.h"

#include <catch2/catch.hpp>

namespace reprise::embed {
namespace {

using State = CircuitBreaker::State;

base::Nanos At(std::int64_t ms) {
  return base::Nanos{ms * base::kNanosPerMilli};
}

TEST_CASE("so many failures in a row open the breaker, a success between them does not") {
  CircuitBreaker breaker({3, 100});
  breaker.Failed(At(0));
  breaker.Failed(At(0));
  breaker.Succeeded();
  breaker.Failed(At(0));
  breaker.Failed(At(0));
  CHECK(breaker.MayAsk(At(0)));
  breaker.Failed(At(1));
  CHECK(breaker.state() == State::kOpen);
  CHECK(!breaker.MayAsk(At(1)));
  CHECK(!breaker.MayAsk(At(100)));
}

TEST_CASE("one probe goes when the time is over, and decides") {
  CircuitBreaker breaker({1, 100});
  breaker.Failed(At(0));
  CHECK(breaker.MayAsk(At(100)));
  CHECK(breaker.state() == State::kProbing);
  CHECK(!breaker.MayAsk(At(100)));
  breaker.Failed(At(110));
  CHECK(!breaker.MayAsk(At(209)));
  CHECK(breaker.MayAsk(At(210)));
  breaker.Succeeded();
  CHECK(breaker.MayAsk(At(210)));
  CHECK(breaker.MayAsk(At(210)));
}

}  // namespace
}  // namespace reprise::embed
