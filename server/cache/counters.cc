#include "server/cache/counters.h"

#include "protocol/base/buffer.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"

namespace reprise::cache {

void Counters::Add(const Counters& other) {
  for (const CounterField& row : kCounterFields) {
    Raise(this->*row.field, other.*row.field);
  }
}

std::string CountersPrefix(storage::NamespaceId id) {
  return "cache_counters/" + std::to_string(static_cast<std::uint32_t>(id)) + "/";
}

std::string FormatCounters(const Counters& counters) {
  base::Buffer buffer;
  wire::Writer writer(buffer);
  writer.Array(kCounterFields.size());
  for (const CounterField& row : kCounterFields) {
    writer.Uint(counters.*row.field);
  }
  return std::string(buffer.view());
}

base::Result<Counters> ParseCounters(std::string_view value) {
  wire::Reader reader(value);
  Counters counters;
  const auto fields = reader.Array();
  if (!fields.ok()) {
    return base::Error{base::Code::kCorrupt, "a counters row of the cache cannot be read"};
  }
  for (std::uint32_t i = 0; i < fields.value() && i < kCounterFields.size(); ++i) {
    const auto number = reader.Uint();
    if (!number.ok()) {
      return base::Error{base::Code::kCorrupt, "a counters row of the cache cannot be read"};
    }
    counters.*kCounterFields[i].field = number.value();
  }
  return counters;
}

}  // namespace reprise::cache
