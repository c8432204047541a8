// Owns the rules over several keys. Ranges of single keys stand in table.cc.
#include <algorithm>
#include <set>

#include "server/config/address.h"
#include "server/config/config.h"
#include "server/config/guardrail.h"
#include "server/config/quantity.h"
#include "server/config/rate_limit.h"
#include "server/config/rule.h"
#include "server/config/settings.h"

namespace reprise::config {
namespace {

constexpr std::int64_t kOtherArgumentsBytes = 64 * base::kKiB;

base::Error Conflict(std::string detail) {
  return {base::Code::kBadRequest, std::move(detail)};
}

std::string Shown(std::string_view name, std::int64_t bytes) {
  return std::string(name) + " (" + RenderQuantity(Kind::kBytes, bytes) + ")";
}

base::Status CheckTls(const NetworkOptions& network) {
  if (network.tls_port >= 0 && network.tls_certificate.empty()) {
    return Conflict("network.tls_port needs network.tls_certificate");
  }
  if (network.tls_port >= 0 && network.tls_key.empty()) {
    return Conflict("network.tls_port needs network.tls_key");
  }
  if (network.tls_certificate.empty() != network.tls_key.empty()) {
    return Conflict("network.tls_certificate and network.tls_key are given together or not at all");
  }
  return base::Ok{};
}

base::Status CheckAddresses(const Config& config) {
  const NetworkOptions& network = config.network;
  if (!IsLoopback(network.bind).value_or(false) && network.tls_port < 0) {
    return Conflict("network.bind = \"" + network.bind +
                    "\" is not a loopback address: it needs network.tls_port with a certificate "
                    "and a key");
  }
  if (config.http.port >= 0 && !IsLoopback(config.http.bind).value_or(false) &&
      config.http.allowed_hosts.empty()) {
    return Conflict("http.bind = \"" + config.http.bind +
                    "\" is not a loopback address: it needs http.allowed_hosts, the names under "
                    "which the port is reached");
  }
  const auto is_same = [](std::int64_t a, std::int64_t b) { return a > 0 && a == b; };
  if (is_same(network.port, network.tls_port)) {
    return Conflict("network.port and network.tls_port are both " + std::to_string(network.port));
  }
  if (network.bind == config.http.bind &&
      (is_same(network.port, config.http.port) || is_same(network.tls_port, config.http.port))) {
    return Conflict("http.port = " + std::to_string(config.http.port) +
                    " is a port of [network] as well");
  }
  return base::Ok{};
}

base::Status CheckLevels(const RoutingOptions& routing) {
  if (routing.level_straightforward > routing.level_complex ||
      routing.level_complex > routing.level_very_complex) {
    return Conflict(
        "routing.level_straightforward, routing.level_complex and routing.level_very_complex must "
        "not fall");
  }
  return base::Ok{};
}

base::Status CheckSizes(const Config& config) {
  const NetworkOptions& network = config.network;
  const std::int64_t value = config.cache.value_bytes_max;
  const std::int64_t least_frame = value + config.cache.prompt_bytes_max + kOtherArgumentsBytes;
  if (network.frame_bytes_max < least_frame) {
    return Conflict(Shown("network.frame_bytes_max", network.frame_bytes_max) +
                    " must hold a value, a prompt and 64KiB of other arguments: at least " +
                    RenderQuantity(Kind::kBytes, least_frame) + ". Raise it, or lower " +
                    Shown("cache.value_bytes_max", value) + " or " +
                    Shown("cache.prompt_bytes_max", config.cache.prompt_bytes_max));
  }
  if (network.output_soft_bytes > network.output_hard_bytes) {
    return Conflict(Shown("network.output_soft_bytes", network.output_soft_bytes) +
                    " must be at most " +
                    Shown("network.output_hard_bytes", network.output_hard_bytes));
  }
  if (network.output_hard_bytes < value + kOtherArgumentsBytes) {
    return Conflict(Shown("network.output_hard_bytes", network.output_hard_bytes) +
                    " must hold the answer with the largest value and 64KiB more; " +
                    Shown("cache.value_bytes_max", value) + " is too large for it");
  }
  return base::Ok{};
}

base::Status CheckStore(const Config& config) {
  const storage::StoreOptions& store = config.store;
  const std::int64_t frame = config.network.frame_bytes_max;
  if (store.write_queue_bytes < frame) {
    return Conflict(Shown("store.write_queue_bytes", store.write_queue_bytes) +
                    " must hold the largest request, " + Shown("network.frame_bytes_max", frame));
  }
  const std::int64_t value = config.cache.value_bytes_max;
  if (store.memtable_bytes < value) {
    return Conflict(Shown("store.memtable_bytes", store.memtable_bytes) +
                    " must hold the largest value, " + Shown("cache.value_bytes_max", value));
  }
  if (store.hot_table_bytes < value) {
    return Conflict(Shown("store.hot_table_bytes", store.hot_table_bytes) +
                    " must hold the largest value, " + Shown("cache.value_bytes_max", value));
  }
  return base::Ok{};
}

base::Status CheckRules(const CacheOptions& cache) {
  for (const std::string& text : cache.rules) {
    const std::string_view name = SplitRule(text).type;
    const bool is_known = std::any_of(cache.types.begin(), cache.types.end(),
                                      [name](const QueryType& type) { return type.name == name; });
    if (!is_known) {
      return Conflict("cache.rules: " + Quoted(text) + " needs a section [cache.types." +
                      std::string(name) + "]");
    }
  }
  return base::Ok{};
}

base::Status CheckGuardrails(const ControlOptions& control) {
  std::vector<Guardrail> rules;
  for (const std::string& text : control.guardrails) {
    if (auto rule = ParseGuardrail(text)) {
      rules.push_back(*std::move(rule));
    }
  }
  const std::string contradiction = ContradictionIn(rules);
  return contradiction.empty() ? base::Status(base::Ok{})
                               : Conflict("control.guardrails: " + contradiction);
}

base::Status CheckRates(const RateOptions& rate) {
  std::set<std::string> names;
  for (const std::string& text : rate.limits) {
    const auto named = ParseRate(text);
    if (!named.ok()) {
      return Conflict("rate.limits: " + Quoted(text) + ": " + named.error().detail);
    }
    if (!names.insert(named.value().name).second) {
      return Conflict("rate.limits: two limits are called " + Quoted(named.value().name));
    }
  }
  return base::Ok{};
}

}  // namespace

base::Status Check(const Config& config) {
  RETURN_IF_ERROR(CheckTls(config.network));
  RETURN_IF_ERROR(CheckAddresses(config));
  RETURN_IF_ERROR(CheckSizes(config));
  RETURN_IF_ERROR(CheckStore(config));
  RETURN_IF_ERROR(CheckRules(config.cache));
  RETURN_IF_ERROR(CheckLevels(config.routing));
  RETURN_IF_ERROR(CheckGuardrails(config.control));
  RETURN_IF_ERROR(CheckRates(config.rate));
  return base::Ok{};
}

}  // namespace reprise::config
