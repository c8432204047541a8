"""The mutants: each takes out one check or field that keeps two questions apart.

A row is (name, file, text, instead). The text stands once in the file; when the code changes so that
it does not, the run says so, and the row is to be brought up to date.
"""

MUTANTS = [
    ("namespace left out of the key hash", "server/cache/identity.cc",
     "const Head head{identity.size(), static_cast<std::uint32_t>(id),",
     "const Head head{identity.size(), static_cast<std::uint32_t>(id) * 0U,"),
    ("identity left out of the key hash", "server/cache/identity.cc",
     "                        std::string_view text) const {\n  struct Head {",
     "                        std::string_view text) const {\n  identity = {};\n  struct Head {"),
    ("prompt left out of the key hash", "server/cache/identity.cc",
     "                        std::string_view text) const {\n  struct Head {",
     "                        std::string_view text) const {\n  text = {};\n  struct Head {"),
    ("namespace left out of the prefix of rows", "server/cache/row.cc",
     "RowKey MakeKey(storage::NamespaceId id, char kind, const KeyHash& exact) {\n"
     "  const auto prefix = storage::PrefixOf(id);",
     "RowKey MakeKey(storage::NamespaceId id, char kind, const KeyHash& exact) {\n"
     "  const auto prefix = storage::PrefixOf(id == storage::NamespaceId{0} ? id :\n"
     "                                        storage::NamespaceId{1});"),
    ("namespace left out of the prefix that is scanned at start", "server/cache/row.cc",
     "std::string SummaryPrefix(storage::NamespaceId id) {\n  const auto prefix = storage::PrefixOf(id);",
     "std::string SummaryPrefix(storage::NamespaceId id) {\n"
     "  const auto prefix = storage::PrefixOf(id == storage::NamespaceId{0} ? id :\n"
     "                                        storage::NamespaceId{1});"),
    ("one index for all namespaces", "server/cache/cache.cc",
     "  auto& space = spaces_[static_cast<std::uint32_t>(id)];",
     "  auto& space = spaces_[static_cast<std::uint32_t>(id) * 0U];"),
    ("namespace of the stored value not compared", "server/cache/cache.cc",
     "if (found.body.namespace_id != wanted.namespace_id) {",
     "if (false && found.body.namespace_id != wanted.namespace_id) {"),
    ("identity of the stored value not compared", "server/cache/cache.cc",
     "found.body.id != candidate.id || found.body.identity != wanted.identity",
     "found.body.id != candidate.id"),
    ("prompt of the stored value not compared", "server/cache/cache.cc",
     "if (candidate.tier == Tier::kExact && found.body.prompt != wanted.prompt) {",
     "if (false && found.body.prompt != wanted.prompt) {"),
    ("normal form of the stored prompt not compared", "server/cache/cache.cc",
     "if (normalized != wanted.normalized) {",
     "if (false && normalized != wanted.normalized) {"),
    ("namespace of a flight not compared", "server/cache/flights.cc",
     "return other.namespace_id == question.namespace_id && other.identity == question.identity;",
     "return other.identity == question.identity;"),
    ("identity of a flight not compared", "server/cache/flights.cc",
     "return other.namespace_id == question.namespace_id && other.identity == question.identity;",
     "return other.namespace_id == question.namespace_id;"),
    ("prompt of a flight not compared", "server/cache/flights.cc",
     "return same_place(other) && other.prompt == question.prompt ? found->second : nullptr;",
     "return same_place(other) ? found->second : nullptr;"),
    ("normal form of a flight's prompt not compared", "server/cache/flights.cc",
     "return same_place(other) && other.normalized_prompt == question.normalized_prompt ? found->second\n",
     "return same_place(other) ? found->second\n"),
    ("namespace of a lease not compared", "server/cache/flights.cc",
     "if (found == by_token_.end() || found->second->question.namespace_id != id) {",
     "if (found == by_token_.end() || (false && found->second->question.namespace_id != id)) {"),
    ("namespace left out of the rows of invalidations", "server/cache/row.cc",
     'return "cache_floor/" + std::to_string(static_cast<std::uint32_t>(id)) + "/";',
     'return "cache_floor/" + std::to_string(static_cast<std::uint32_t>(id) * 0U) + "/";'),
    ("identity left out of the label of an identity", "server/cache/identity.cc",
     "std::max<std::uint64_t>(1, Hash('i', id, identity, \"\").low)",
     "std::max<std::uint64_t>(1, Hash('i', id, \"\", \"\").low)"),
    ("model left out of a chat request's identity", "server/cache/chat_request.cc",
     "  DropVolatile(rules.volatile_fields, root);",
     '  DropVolatile(rules.volatile_fields, root);\n  root.Erase("model");'),
]
