// SCAN: the keys of the namespace, page by page.
#include <string>
#include <vector>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/keys_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

enum Option : std::size_t { kPrefix, kAfter, kLimit };
constexpr std::array kOptions{ArgSpec{.name = "prefix",
                                      .kind = ArgKind::kText,
                                      .doc = "only keys that begin so",
                                      .max = base::limits::kKeyBytes.value},
                              ArgSpec{.name = "after",
                                      .kind = ArgKind::kText,
                                      .doc = "start behind this key",
                                      .max = base::limits::kKeyBytes.value},
                              ArgSpec{.name = "limit",
                                      .kind = ArgKind::kInt,
                                      .doc = "most keys of this page; 100 when not given",
                                      .min = base::limits::kScanCount.floor,
                                      .max = base::limits::kScanCount.ceiling}};
constexpr std::array kExamples{
    Example{R"(["MSET", ["a:1", 1, "a:2", 2, "b:1", 3]])", R"(true)"},
    Example{R"(["SCAN", [{"prefix": "a:"}]])", R"({"keys": ["a:1", "a:2"], "next": null})"},
    Example{R"(["SCAN", [{"limit": 2}]])", R"({"keys": ["a:1", "a:2"], "next": "a:2"})"},
    Example{R"(["SCAN", [{"after": "a:2"}]])", R"({"keys": ["b:1"], "next": null})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  const auto home = access::PrefixOf(context.principal.namespace_id);
  const std::string prefix =
      std::string(home.data(), home.size()).append(args.BytesOr(kPrefix, ""));
  std::string after;
  if (args.Has(kAfter)) {
    after.assign(home.data(), home.size()).append(args.BytesOr(kAfter, ""));
  }
  const auto limit = static_cast<std::size_t>(args.IntOr(kLimit, base::limits::kScanCount.value));
  std::vector<std::string> keys;
  bool more = false;
  const storage::ScanRequest request{
      .family = storage::Family::kKeys, .prefix = prefix, .after = after};
  RETURN_IF_ERROR(
      context.view.store().Scan(request, context.now(), [&](const storage::ScanRow& row) {
        if (keys.size() == limit) {
          more = true;
          return false;
        }
        keys.emplace_back(row.key.substr(home.size()));
        return true;
      }));
  reply.Map(2);
  reply.Str("keys");
  reply.Array(keys.size());
  for (const std::string& key : keys) {
    WriteKey(key, reply);
  }
  reply.Str("next");
  if (more) {
    WriteKey(keys.back(), reply);
  } else {
    reply.Nil();
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kScan;
constexpr CommandSpec kScan{
    .name = "SCAN",
    .family = Family::kKeys,
    .summary = "Keys in byte order, a page at a time: give `next` as `after` until it is nil.",
    .complexity = "O(limit)",
    .since = "0.1",
    .flags = kRead | kBlocking | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "{keys: [key, ...], next: the last key, or nil at the end}",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
