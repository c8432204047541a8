// What the wire format and the connection buffer cost for one request or reply.
#include <string>

#include <benchmark/benchmark.h>

#include "protocol/base/buffer.h"
#include "protocol/base/limits.h"
#include "protocol/wire/decode.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/message.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"

namespace reprise::wire {
namespace {

constexpr std::uint32_t kMsgid = 70'000;

std::string GetRequest() {
  base::Buffer out;
  BeginRequest(kMsgid, "GET", out);
  Writer writer(out);
  writer.Array(1);
  writer.Str("key:000000001234");
  return std::string(out.view());
}

std::string SetRequest(std::size_t value_bytes) {
  base::Buffer out;
  BeginRequest(kMsgid, "SET", out);
  Writer writer(out);
  writer.Array(3);
  writer.Str("key:000000001234");
  writer.Str(std::string(value_bytes, 'v'));
  writer.Map(1);
  writer.Field("ttl_ms", 60'000);
  return std::string(out.view());
}

std::string LookupReply() {
  base::Buffer out;
  BeginResponse(kMsgid, out);
  Writer writer(out);
  writer.Map(10);
  for (const char* name : {"status", "tier", "id", "response", "type"}) {
    writer.Field(name, "some text of a usual length");
  }
  for (const char* name : {"age_ms", "expires_at_ms", "tokens_in", "tokens_out", "cost_nano"}) {
    writer.Field(name, 1'700'000'000'000);
  }
  return std::string(out.view());
}

void Scan(benchmark::State& state, const std::string& frame) {
  FrameScanner scanner;
  for ([[maybe_unused]] auto _ : state) {
    auto size = scanner.Scan(frame, base::limits::kFrameBytes.value);
    benchmark::DoNotOptimize(size);
  }
}

void ScanGet(benchmark::State& state) {
  Scan(state, GetRequest());
}
void ScanSet(benchmark::State& state) {
  Scan(state, SetRequest(static_cast<std::size_t>(state.range(0))));
}
void ScanLookupReply(benchmark::State& state) {
  Scan(state, LookupReply());
}

// The whole way in of a GET: find the frame, parse the message, read the key.
void ParseGet(benchmark::State& state) {
  const std::string frame = GetRequest();
  FrameScanner scanner;
  for ([[maybe_unused]] auto _ : state) {
    auto size = scanner.Scan(frame, base::limits::kFrameBytes.value);
    auto request = ParseRequest(std::string_view(frame).substr(0, *size.value()));
    Reader params(request.value().params);
    auto count = params.Array();
    auto key = params.Text();
    benchmark::DoNotOptimize(count);
    benchmark::DoNotOptimize(key);
  }
}

void EncodeValueReply(benchmark::State& state) {
  const std::string value(static_cast<std::size_t>(state.range(0)), 'v');
  base::Buffer out;
  for ([[maybe_unused]] auto _ : state) {
    BeginResponse(kMsgid, out);
    Writer(out).Str(value);
    benchmark::DoNotOptimize(out.data());
    out.Clear();
  }
}

void EncodeLookupReply(benchmark::State& state) {
  base::Buffer out;
  for ([[maybe_unused]] auto _ : state) {
    BeginResponse(kMsgid, out);
    Writer writer(out);
    writer.Map(3);
    writer.Field("status", "hit");
    writer.Field("tier", "exact");
    writer.Field("age_ms", 1'234'567);
    benchmark::DoNotOptimize(out.data());
    out.Clear();
  }
}

void EncodeError(benchmark::State& state) {
  const base::Error error{base::Code::kBusy, "the queue is full"};
  base::Buffer out;
  for ([[maybe_unused]] auto _ : state) {
    AppendError(kMsgid, error, out);
    benchmark::DoNotOptimize(out.data());
    out.Clear();
  }
}

void DecodeTree(benchmark::State& state) {
  const std::string frame = LookupReply();
  for ([[maybe_unused]] auto _ : state) {
    auto value = Decode(frame);
    benchmark::DoNotOptimize(value);
  }
}

// A connection that receives 16 frames at once and takes them one by one.
void BufferAppendConsume(benchmark::State& state) {
  const std::string frame = SetRequest(static_cast<std::size_t>(state.range(0)));
  constexpr int kFrames = 16;
  base::Buffer buffer;
  for ([[maybe_unused]] auto _ : state) {
    for (int i = 0; i < kFrames; ++i) {
      buffer.Append(frame);
    }
    for (int i = 0; i < kFrames; ++i) {
      benchmark::DoNotOptimize(buffer.data());
      buffer.Consume(frame.size());
    }
  }
  state.SetItemsProcessed(state.iterations() * kFrames);
}

BENCHMARK(ScanGet);
BENCHMARK(ScanSet)->Arg(64)->Arg(1024);
BENCHMARK(ScanLookupReply);
BENCHMARK(ParseGet);
BENCHMARK(EncodeValueReply)->Arg(64)->Arg(1024);
BENCHMARK(EncodeLookupReply);
BENCHMARK(EncodeError);
BENCHMARK(DecodeTree);
BENCHMARK(BufferAppendConsume)->Arg(64)->Arg(1024);

}  // namespace
}  // namespace reprise::wire
