// CACHE.EXPORT: the entries of the namespace, page by page.
#include <algorithm>
#include <string>

#include "protocol/base/buffer.h"
#include "protocol/wire/shape.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/cache_common.h"
#include "server/commands/cache_port.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

enum Option : std::size_t { kAfter, kLimit, kOnlyType, kOnlyTag };
constexpr std::array kOptions{ArgSpec{.name = "after",
                                      .kind = ArgKind::kText,
                                      .doc = "`next` of the page before",
                                      .max = base::limits::kNameBytes.value},
                              ArgSpec{.name = "limit",
                                      .kind = ArgKind::kInt,
                                      .doc = "most entries of this page; 100 when not given",
                                      .min = base::limits::kPortEntries.floor,
                                      .max = base::limits::kPortEntries.ceiling},
                              ArgSpec{.name = "type",
                                      .kind = ArgKind::kText,
                                      .doc = "only entries of this query type",
                                      .max = base::limits::kNameBytes.value},
                              ArgSpec{.name = "tag",
                                      .kind = ArgKind::kText,
                                      .doc = "only entries with this tag",
                                      .max = base::limits::kTagBytes.value}};
constexpr std::array kErrors{base::Code::kBadRequest};
constexpr std::array kExamples{
    Example{
        R"(["CACHE.STORE", ["What is RAII?", "An idiom.", {"type": "factLookup", "identity": {"model": "m"}, "tags": ["cpp"], "tokens_in": 12, "tokens_out": 3, "cost_nano": 4500, "model": "m-1"}]])",
        R"("*")"},
    Example{
        R"(["CACHE.EXPORT", []])",
        R"({"entries": [{"id": "*", "prompt": "What is RAII?", "identity": {"model": "m"}, "response": "An idiom.", "type": "factLookup", "model": "m-1", "tags": ["cpp"], "tokens_in": 12, "tokens_out": 3, "cost_nano": 4500, "created_at_ms": "*", "expires_at_ms": "*"}], "next": null})"},
    Example{R"(["CACHE.EXPORT", [{"tag": "java"}]])", R"({"entries": [], "next": null})"},
    Example{R"(["CACHE.EXPORT", [{"after": "the second page"}]])", R"({"error": "bad_request"})"},
};

// A value under its name, or its bytes under the other one (cache_port.h). Answers how many values
// this is.
base::Result<std::uint64_t> WriteValue(std::string_view name, std::string_view value,
                                       wire::Writer& out) {
  ASSIGN_OR_RETURN(const wire::Shape shape, wire::ShapeOf(value));
  if (IsPlain(shape)) {
    out.Str(name);
    out.Raw(value);
    return shape.values;
  }
  out.Str(std::string(name) + "_packed");
  out.Bin(value);
  return 1U;
}

// Collects the entries of one page.
class Page {
 public:
  Page(std::size_t entries_max, std::size_t bytes_max)
      : entries_max_(entries_max), bytes_max_(bytes_max) {}

  // False when there is no room for it.
  bool Take(const cache::Portable& entry) {
    if (entries_ == entries_max_) {
      return false;
    }
    base::Buffer bytes;
    const auto values = Write(entry, bytes);
    if (!values.ok()) {
      // An entry that no frame can carry was never served either: leave it out.
      return true;
    }
    const bool fits =
        buffer_.size() + bytes.size() <= bytes_max_ && values_ + values.value() <= kValuesMax;
    if (entries_ > 0 && !fits) {
      return false;
    }
    buffer_.Append(bytes.view());
    values_ += values.value();
    ++entries_;
    return true;
  }

  std::size_t entries() const { return entries_; }
  std::string_view bytes() const { return buffer_.view(); }

 private:
  // Of the frame; some are left for what stands around the entries.
  static constexpr std::uint64_t kValuesMax = base::limits::kFrameItems.value - 64;

  // How many values it is.
  static base::Result<std::uint64_t> Write(const cache::Portable& entry, base::Buffer& bytes) {
    constexpr std::string_view kNil = "\xc0";
    constexpr std::string_view kEmptyArray = "\x90";
    constexpr std::uint64_t kFields = 12;
    const cache::Body& body = entry.body;
    wire::Writer out(bytes);
    out.Map(kFields);
    out.Field("id", body.id);
    out.Field("prompt", body.prompt);
    ASSIGN_OR_RETURN(const std::uint64_t in_identity,
                     WriteValue("identity", body.identity.empty() ? kNil : body.identity, out));
    ASSIGN_OR_RETURN(const std::uint64_t in_response, WriteValue("response", body.response, out));
    out.Field("type", entry.type);
    out.Field("model", body.model);
    out.Str("tags");
    out.Raw(body.tags.empty() ? kEmptyArray : body.tags);
    out.Field("tokens_in", entry.worth.tokens_in);
    out.Field("tokens_out", entry.worth.tokens_out);
    out.Field("cost_nano", entry.worth.cost_nano);
    out.Field("created_at_ms", base::ToInt(entry.created_at));
    out.Field("expires_at_ms", base::ToInt(entry.expires_at));
    return 2 * kFields + in_identity + in_response + base::limits::kTags.value;
  }

  const std::size_t entries_max_;
  const std::size_t bytes_max_;
  base::Buffer buffer_;
  std::size_t entries_ = 0;
  std::uint64_t values_ = 0;
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  // Far below what a connection may leave unread, so that a page is no burden to the server.
  constexpr std::int64_t kPageBytes = base::kMiB;
  Page page(
      static_cast<std::size_t>(args.IntOr(kLimit, base::limits::kPortEntries.value)),
      static_cast<std::size_t>(std::min(kPageBytes, context.config.network.output_soft_bytes)));
  const cache::PageRequest request{context.principal.namespace_id, args.BytesOr(kAfter, ""),
                                   args.BytesOr(kOnlyType, ""), args.BytesOr(kOnlyTag, "")};
  ASSIGN_OR_RETURN(const std::string next,
                   context.instance.cache().ReadPage(
                       request, context.view,
                       [&page](const cache::Portable& entry) { return page.Take(entry); }));
  reply.Map(2);
  reply.Str("entries");
  reply.Array(page.entries());
  reply.Raw(page.bytes());
  reply.Str("next");
  if (next.empty()) {
    reply.Nil();
  } else {
    reply.Str(next);
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCacheExport;
constexpr CommandSpec kCacheExport{
    .name = "CACHE.EXPORT",
    .family = Family::kCache,
    .summary =
        "The entries of the namespace, a page at a time: give `next` as `after` until it is nil. "
        "The order is that of the stored rows: an entry that is not stored anew meanwhile is given "
        "once, whatever is written and however often the server starts between two pages. Not "
        "given: what has expired or was invalidated. Nothing is counted or marked as used.",
    .complexity = "O(entries looked at); a page ends at 1 MiB, or when it has looked at 10,000",
    .since = "0.1",
    .flags = kRead | kBlocking | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{entries: [{id, prompt, identity, response, type, model, tags, tokens_in, tokens_out, "
        "cost_nano, created_at_ms, expires_at_ms}], next: a cursor, or nil at the end}; a page may "
        "be empty. An identity or response nested deeper than 60 levels or with more than 16384 "
        "values is given as bin with its MessagePack bytes: identity_packed, response_packed",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
