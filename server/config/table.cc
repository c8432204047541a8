#include "server/config/table.h"

#include <algorithm>
#include <array>
#include <limits>

#include "server/config/address.h"
#include "server/config/guardrail.h"
#include "server/config/rate_limit.h"
#include "server/config/rule.h"
#include "server/config/share.h"

namespace reprise::config {
namespace {

namespace limits = base::limits;
using storage::StoreOptions;

constexpr std::int64_t kPathBytesMax = 4'095;      // PATH_MAX without its NUL
constexpr std::int64_t kSocketPathBytesMax = 107;  // sun_path without its NUL
constexpr std::int64_t kAddressBytesMax = 45;      // longest IPv6 address in numbers
constexpr std::int64_t kAllowedHostsMax = 64;
constexpr std::int64_t kRulesMax = 64;
constexpr std::int64_t kSharesMax = 1'024;
constexpr std::int64_t kHostBytesMax = 253;  // longest name of the DNS
constexpr std::int64_t kPortMax = 65'535;
constexpr std::int64_t kTiB = std::int64_t{1} << 40;
constexpr std::int64_t kFlushMsMin = 200;  // the tick of the server: nothing comes more often

// The field of a section: At<&Config::store, &StoreOptions::dir>.
template <auto SectionMember, auto FieldMember>
auto& At(Config& config) {
  return config.*SectionMember.*FieldMember;
}

template <auto SectionMember, auto FieldMember>
constexpr ChoiceField Enumeration() {
  return {[](const Config& config) {
            return static_cast<std::size_t>(config.*SectionMember.*FieldMember);
          },
          [](Config& config, std::size_t index) {
            auto& field = config.*SectionMember.*FieldMember;
            field = static_cast<std::remove_reference_t<decltype(field)>>(index);
          }};
}

template <auto Member>
constexpr NumberField Store() {
  return &At<&Config::store, Member>;
}
template <auto Member>
constexpr NumberField Network() {
  return &At<&Config::network, Member>;
}
template <auto Member>
constexpr NumberField Cache() {
  return &At<&Config::cache, Member>;
}

bool HasControlByte(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char byte) { return static_cast<unsigned char>(byte) < 0x20; });
}

std::string_view PathProblem(std::string_view path) {
  return HasControlByte(path) ? "a path holds no control bytes" : "";
}

std::string_view UrlProblem(std::string_view url) {
  if (url.empty()) {
    return "";
  }
  if (HasControlByte(url) || url.find(' ') != std::string_view::npos) {
    return "a URL holds no control bytes and no spaces";
  }
  return url.starts_with("http://") || url.starts_with("https://")
             ? ""
             : "a URL begins with http:// or https://";
}

std::string_view AddressProblem(std::string_view address) {
  return IsLoopback(std::string(address)).has_value()
             ? ""
             : "this is neither an IPv4 or IPv6 address in numbers nor localhost";
}

std::string_view HostProblem(std::string_view host) {
  if (host.empty() || host.size() > static_cast<std::size_t>(kHostBytesMax)) {
    return "a host name has 1 to 253 bytes";
  }
  const bool is_valid = std::all_of(host.begin(), host.end(), [](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == ':' ||
           byte == '[' || byte == ']' || byte == '_';
  });
  return is_valid ? "" : "a host name is made of letters, digits, '-', '.', ':', '[', ']' and '_'";
}

constexpr std::array<std::string_view, 7> kMeaningFields{
    "input", "instructions", "messages", "model", "prompt", "system", "tools"};

std::string_view VolatileFieldProblem(std::string_view field) {
  if (field.empty() || field.size() > static_cast<std::size_t>(limits::kNameBytes.value)) {
    return "the name of a field has 1 to 64 bytes";
  }
  if (HasControlByte(field) || field.find(',') != std::string_view::npos) {
    return "the name of a field holds no control bytes and no commas";
  }
  const bool has_meaning =
      std::find(kMeaningFields.begin(), kMeaningFields.end(), field) != kMeaningFields.end();
  return has_meaning ? "without this field different questions would share an answer" : "";
}

std::string_view ShareProblem(std::string_view text) {
  return ParseShare(text).has_value() ? "" : "must read \"name: number\", with 1 to 1000";
}

constexpr std::array<std::string_view, 2> kEngines{"rocksdb", "memory"};
constexpr std::array<std::string_view, 2> kJobsDurabilities{"always", "store"};
constexpr std::array<std::string_view, 5> kEmbedders{"auto", "use-lite", "hash", "http", "client"};
constexpr std::array<std::string_view, 3> kTierModes{"on", "shadow", "off"};
constexpr std::array<std::string_view, 3> kDurabilities{"always", "interval", "none"};
constexpr std::array<std::string_view, 5> kLevels{"trace", "debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 2> kFormats{"text", "json"};
constexpr std::array<std::string_view, 3> kEvictions{"lru", "lfu", "cost"};

constexpr Row OfType(std::string_view name, Kind kind, TypeField field, std::string_view doc) {
  return {name, kind, Change::kLive, 0, 0, field, doc};
}

constexpr Row Number(std::string_view name, Kind kind, Change change, NumberField field,
                     std::string_view doc) {
  return {name, kind, change, 0, std::numeric_limits<std::int64_t>::max(), field, doc};
}

constexpr Row Within(Row row, std::int64_t min, std::int64_t max) {
  row.min = min;
  row.max = max;
  return row;
}

// Where protocol/base/limits.h has a row, the range is taken from there.
constexpr Row Within(Row row, const base::Limit& limit) {
  return Within(row, limit.floor, limit.ceiling);
}

constexpr std::array kStoreRows{
    Row{"store.dir",
        Kind::kText,
        Change::kRestart,
        0,
        kPathBytesMax,
        &At<&Config::store, &StoreOptions::dir>,
        "The data directory; made when it is absent. The flag --dir sets it too.",
        {},
        PathProblem},
    Row{"store.backup_dir",
        Kind::kText,
        Change::kRestart,
        0,
        kPathBytesMax,
        &At<&Config::store, &StoreOptions::backup_dir>,
        "Where BACKUP writes; empty means the folder backups in the data directory.",
        {},
        PathProblem},
    Row{"store.engine", Kind::kChoice, Change::kRestart, 0, 0,
        Enumeration<&Config::store, &StoreOptions::engine>(),
        "rocksdb keeps the data on disk; memory keeps nothing over a restart and is for trials.",
        kEngines},
    Row{"store.durability", Kind::kChoice, Change::kLive, 0, 0,
        Enumeration<&Config::store, &StoreOptions::durability>(),
        "When a write is answered. always: it is on the medium. interval: a crash of the process "
        "loses nothing, a power cut at most store.sync_interval_ms of answered writes. none: a "
        "power cut loses what the system had not written by itself.",
        kDurabilities},
    Within(Number("store.sync_interval_ms", Kind::kMilliseconds, Change::kLive,
                  Store<&StoreOptions::sync_interval_ms>(),
                  "How often writes are synced with durability = \"interval\": the most a power "
                  "cut may lose."),
           1, 60'000),
    Within(Number("store.hot_table_bytes", Kind::kBytes, Change::kLive,
                  Store<&StoreOptions::hot_table_bytes>(),
                  "Memory for the rows that are read most, in front of the engine."),
           base::kMiB, kTiB),
    Within(Number("store.block_cache_bytes", Kind::kBytes, Change::kRestart,
                  Store<&StoreOptions::block_cache_bytes>(),
                  "Memory for blocks of the engine's files."),
           base::kMiB, kTiB),
    Within(Number("store.memtable_bytes", Kind::kBytes, Change::kRestart,
                  Store<&StoreOptions::memtable_bytes>(),
                  "Memory for new writes before they go to a file; the engine keeps at most two of "
                  "these."),
           base::kMiB, 4 * base::kGiB),
    Within(Number("store.open_files_max", Kind::kInteger, Change::kRestart,
                  Store<&StoreOptions::open_files_max>(),
                  "File descriptors that the engine may hold; connections get the rest."),
           64, 1'000'000),
    Within(
        Number("store.storage_threads", Kind::kInteger, Change::kRestart,
               Store<&StoreOptions::storage_threads>(), "Threads for reads that touch the disk."),
        1, 64),
    Within(Number("store.write_queue_items", Kind::kInteger, Change::kRestart,
                  Store<&StoreOptions::write_queue_items>(),
                  "Writes waiting for the writer; more are refused as busy."),
           limits::kWriteQueueItems),
    Within(Number("store.write_queue_bytes", Kind::kBytes, Change::kRestart,
                  Store<&StoreOptions::write_queue_bytes>(),
                  "Bytes waiting for the writer; more are refused as busy."),
           limits::kWriteQueueBytes),
    Within(Number("store.storage_queue_items", Kind::kInteger, Change::kRestart,
                  Store<&StoreOptions::storage_queue_items>(),
                  "Reads waiting for a storage thread; more are refused as busy."),
           limits::kStorageQueueItems),
    Within(
        Number("store.sweep_rows_per_second", Kind::kInteger, Change::kRestart,
               Store<&StoreOptions::sweep_rows_per_second>(),
               "Pace of looking for expired rows to delete; 0 leaves them to compaction. Expired "
               "rows are never served either way."),
        0, 10'000'000),
    Row{"store.accept_loss", Kind::kBoolean, Change::kRestart, 0, 0,
        &At<&Config::store, &StoreOptions::accept_loss>,
        "Open although the watermark says that acknowledged writes are missing. For one start, "
        "after reading what the server said; the flag --accept-loss sets it too."},
};

constexpr std::array kNetworkRows{
    Row{"network.bind",
        Kind::kText,
        Change::kRestart,
        0,
        kAddressBytesMax,
        &At<&Config::network, &NetworkOptions::bind>,
        "Address of the listeners. One that is not a loopback address needs TLS and an access key.",
        {},
        AddressProblem},
    Within(Number("network.port", Kind::kInteger, Change::kRestart,
                  Network<&NetworkOptions::port>(), "TCP port; 0: the system chooses."),
           0, kPortMax),
    Row{"network.unix_socket",
        Kind::kText,
        Change::kRestart,
        0,
        kSocketPathBytesMax,
        &At<&Config::network, &NetworkOptions::unix_socket>,
        "Path of a Unix socket to listen on as well; empty: none.",
        {},
        PathProblem},
    Within(Number("network.tls_port", Kind::kInteger, Change::kRestart,
                  Network<&NetworkOptions::tls_port>(),
                  "TCP port for TLS; -1: none, 0: the system chooses."),
           -1, kPortMax),
    Row{"network.tls_certificate",
        Kind::kText,
        Change::kRestart,
        0,
        kPathBytesMax,
        &At<&Config::network, &NetworkOptions::tls_certificate>,
        "PEM file with the certificate and its chain. SIGHUP reads the file again.",
        {},
        PathProblem},
    Row{"network.tls_key",
        Kind::kText,
        Change::kRestart,
        0,
        kPathBytesMax,
        &At<&Config::network, &NetworkOptions::tls_key>,
        "PEM file with the private key. SIGHUP reads the file again.",
        {},
        PathProblem},
    Within(
        Number("network.loops", Kind::kInteger, Change::kRestart, Network<&NetworkOptions::loops>(),
               "Event loops, each with a thread; 0: one a core, at most 8."),
        0, 64),
    Within(Number("network.connections_max", Kind::kInteger, Change::kLive,
                  Network<&NetworkOptions::connections_max>(),
                  "Most client connections; one more is told busy and closed."),
           limits::kConnections),
    Within(Number("network.frame_bytes_max", Kind::kBytes, Change::kLive,
                  Network<&NetworkOptions::frame_bytes_max>(),
                  "Largest request. Holds a value, a prompt and 64 KiB of other arguments at "
                  "least."),
           limits::kFrameBytes),
    Within(Number("network.output_hard_bytes", Kind::kBytes, Change::kLive,
                  Network<&NetworkOptions::output_hard_bytes>(),
                  "A client that leaves more output unread is disconnected."),
           limits::kOutputHardBytes),
    Within(Number("network.output_soft_bytes", Kind::kBytes, Change::kLive,
                  Network<&NetworkOptions::output_soft_bytes>(),
                  "A client that stays above this for network.output_soft_ms is disconnected."),
           limits::kOutputSoftBytes),
    Within(Number("network.output_soft_ms", Kind::kMilliseconds, Change::kLive,
                  Network<&NetworkOptions::output_soft_ms>(),
                  "How long network.output_soft_bytes may be exceeded."),
           limits::kOutputSoftMs),
    Within(Number("network.idle_ms", Kind::kMilliseconds, Change::kLive,
                  Network<&NetworkOptions::idle_ms>(), "An idle connection is closed after this."),
           limits::kIdleMs),
    Within(Number("network.handshake_ms", Kind::kMilliseconds, Change::kLive,
                  Network<&NetworkOptions::handshake_ms>(),
                  "Time to authenticate, and to finish a request once begun."),
           limits::kHandshakeMs),
    Within(Number("network.tls_handshake_ms", Kind::kMilliseconds, Change::kLive,
                  Network<&NetworkOptions::tls_handshake_ms>(), "Time to finish a TLS handshake."),
           limits::kTlsHandshakeMs),
    Within(Number("network.shutdown_ms", Kind::kMilliseconds, Change::kLive,
                  Network<&NetworkOptions::shutdown_ms>(),
                  "Longest graceful shutdown; what is unfinished then is cut off."),
           0, 600'000),
};

template <auto Member>
constexpr NumberField Semantic() {
  return &At<&Config::semantic, Member>;
}

constexpr std::array kSemanticRows{
    Row{"semantic.embedder", Kind::kChoice, Change::kRestart, 0, 0,
        &At<&Config::semantic, &SemanticOptions::embedder>,
        "What makes vectors of questions. use-lite: inside the server, English. hash: of words "
        "and letters, without a model. http: an endpoint as OpenAI's /v1/embeddings. client: "
        "callers send vectors. auto: use-lite when its model is installed, else hash. After a "
        "change, entries are embedded anew in the background, and the old vectors answer until "
        "then (INFO semantic).",
        kEmbedders},
    Row{"semantic.models_dir",
        Kind::kText,
        Change::kRestart,
        0,
        kPathBytesMax,
        &At<&Config::semantic, &SemanticOptions::models_dir>,
        "Folder of models; empty: build/models beside the program, else /usr/share/reprise/models.",
        {},
        PathProblem},
    Within(Number("semantic.client_width", Kind::kInteger, Change::kRestart,
                  Semantic<&SemanticOptions::client_width>(),
                  "Dimensions of the vectors that callers send, with the embedder `client`."),
           2, 4'096),
    Within(
        Number(
            "semantic.vector_cache_bytes", Kind::kBytes, Change::kRestart,
            Semantic<&SemanticOptions::vector_cache_bytes>(),
            "Memory for vectors of texts that come again, and of their words: about 9 KiB a text."),
        0, 16 * base::kGiB),
    Within(
        Number("semantic.snapshot_ms", Kind::kMilliseconds, Change::kRestart,
               Semantic<&SemanticOptions::snapshot_ms>(),
               "The index of vectors is written to a file this often, when it has changed. After "
               "a crash, what came since is indexed anew."),
        1'000, 86'400'000),
    Row{"semantic.http_url",
        Kind::kText,
        Change::kRestart,
        0,
        kPathBytesMax,
        &At<&Config::semantic, &SemanticOptions::http_url>,
        "With the embedder `http`: where to post, such as http://127.0.0.1:8080/v1/embeddings.",
        {},
        UrlProblem},
    Row{"semantic.http_model", Kind::kText, Change::kRestart, 0, limits::kTagBytes.value,
        &At<&Config::semantic, &SemanticOptions::http_model>,
        "The model to ask that endpoint for."},
    Row{"semantic.http_key_env", Kind::kText, Change::kRestart, 0, limits::kNameBytes.value,
        &At<&Config::semantic, &SemanticOptions::http_key_env>,
        "The environment variable that holds the endpoint's key; unset: none is sent."},
    Within(Number("semantic.http_width", Kind::kInteger, Change::kRestart,
                  Semantic<&SemanticOptions::http_width>(), "Dimensions of that model's vectors."),
           2, 4'096),
    Within(Number("semantic.http_deadline_ms", Kind::kMilliseconds, Change::kRestart,
                  Semantic<&SemanticOptions::http_deadline_ms>(),
                  "A vector that has not come by then is a miss of the semantic tier."),
           1, 60'000),
};

template <auto Member>
constexpr NumberField Control() {
  return &At<&Config::control, Member>;
}
template <auto Member>
constexpr Row StrategySwitch(std::string_view name, std::string_view doc) {
  return {name, Kind::kChoice, Change::kLive, 0, 0, Enumeration<&Config::control, Member>(),
          doc,  kTierModes,    nullptr};
}

constexpr std::array kControlRows{
    StrategySwitch<&ControlOptions::routing>(
        "control.routing",
        "The strategy routing, where STRATEGY.SET said nothing: on; off; or shadow: it decides and "
        "counts, and changes nothing. The tiers of the cache are switched in [cache]."),
    StrategySwitch<&ControlOptions::batching>("control.batching",
                                              "The strategy batching. As control.routing."),
    StrategySwitch<&ControlOptions::deferral>("control.deferral",
                                              "The strategy deferral. As control.routing."),
    StrategySwitch<&ControlOptions::context>("control.context",
                                             "The strategy context. As control.routing."),
    StrategySwitch<&ControlOptions::compression>("control.compression",
                                                 "The strategy compression. As control.routing."),
    StrategySwitch<&ControlOptions::tools>("control.tools",
                                           "The strategy tools. As control.routing."),
    Within(Number("control.hold_out_percent", Kind::kInteger, Change::kLive,
                  Control<&ControlOptions::hold_out_percent>(),
                  "Share of the conversations, in percent, that a strategy leaves alone even when "
                  "it is rolled out to all, so that there is something to compare with. Calls "
                  "that name no conversation are never held out, nor are the tiers of the cache "
                  "withheld, unless STRATEGY.SET says so. 0: none, and then the guardrails that "
                  "compare have nothing to go by."),
           0, 50),
    Row{"control.guardrails",
        Kind::kList,
        Change::kLive,
        0,
        limits::kGuardrails.value,
        &At<&Config::control, &ControlOptions::guardrails>,
        "What turns strategies off, from what QUALITY.RECORD is told: texts \"name: metric < "
        "limit: "
        "strategies\". quality < and cost_reduction < have a limit from 0 to 1; so has error_rate "
        ">; "
        "response_time > is a multiple of the control group's. Strategies stand with spaces "
        "between "
        "them, or all. GUARDRAIL.SET changes them for one namespace.",
        {},
        GuardrailProblem},
    Within(Number("control.cool_down_ms", Kind::kMilliseconds, Change::kLive,
                  Control<&ControlOptions::cool_down_ms>(),
                  "How long what a guardrail turned off stays off, when no GUARDRAIL.REARM comes "
                  "before; 0: until then."),
           0, limits::kTtlMs.ceiling),
    Within(
        Number("control.slice_ms", Kind::kMilliseconds, Change::kLive,
               Control<&ControlOptions::slice_ms>(),
               "Guardrails weigh slices of time, of at least this much and at least 30 calls: no "
               "single one, however bad, trips anything; it takes more than a dozen."),
        10, 86'400'000),
    Within(
        Number("control.false_trip_days", Kind::kInteger, Change::kLive,
               Control<&ControlOptions::false_trip_days>(),
               "How rare false trips are: a strategy whose figure stands exactly on the limit of "
               "a guardrail is turned off once in so many days on average, or more rarely."),
        1, 10'000'000),
};

constexpr std::array kRateRows{
    Row{"rate.limits",
        Kind::kList,
        Change::kLive,
        0,
        kRulesMax,
        &At<&Config::rate, &RateOptions::limits>,
        "Named limits of every namespace, each with counts of its own: [\"chat: 60 per 1m\", "
        "\"tokens: 90000 per 1m burst 120000\", \"logins: window 5 per 1h\", \"calls: 10 at a "
        "time for 5m\"]. LIMIT.SET makes more of one namespace.",
        {},
        RateProblem},
    Within(Number("rate.flush_ms", Kind::kMilliseconds, Change::kLive,
                  &At<&Config::rate, &RateOptions::flush_ms>,
                  "What limits granted is saved within this, in batches. After a crash no more is "
                  "granted twice than was granted within so long before it; while it cannot be "
                  "saved, limits grant nothing."),
           limits::kRateFlushMs),
    Within(Number("rate.keys_max", Kind::kInteger, Change::kLive,
                  &At<&Config::rate, &RateOptions::keys_max>,
                  "Most keys of one namespace that limits remember, about 150 bytes each. Idle "
                  "keys are forgotten; when all are in use, a new key is refused as busy."),
           limits::kRateKeys),
    Within(Number("rate.total_keys_max", Kind::kInteger, Change::kLive,
                  &At<&Config::rate, &RateOptions::total_keys_max>,
                  "The same of all namespaces together; one that has less than an equal share may "
                  "always have more."),
           limits::kRateTotalKeys),
};
#include "server/config/table_jobs.inc"

template <auto Member>
constexpr NumberField Routing() {
  return &At<&Config::routing, Member>;
}

// Shares and qualities are in a million.
constexpr std::int64_t kPpmMax = 1'000'000;
constexpr std::int64_t kScoreMax = 100;

constexpr std::array kRoutingRows{
    Within(Number("routing.outcomes_max", Kind::kInteger, Change::kLive,
                  Routing<&RoutingOptions::outcomes_max>(),
                  "Most outcomes (prompts that feedback came for) of one namespace; then the "
                  "oldest goes. About 1 KiB on disk and 150 bytes of memory each."),
           limits::kRoutingOutcomes),
    Within(Number("routing.total_outcomes_max", Kind::kInteger, Change::kRestart,
                  Routing<&RoutingOptions::total_outcomes_max>(),
                  "Most outcomes of all namespaces together; the namespace with the most gives."),
           limits::kRoutingOutcomes.floor, 100'000'000),
    Within(Number("routing.cheap_share_ppm", Kind::kInteger, Change::kLive,
                  Routing<&RoutingOptions::cheap_share_ppm>(),
                  "Share of calls, in a million, that cheap models shall have at least: models at "
                  "half the cost of the dearest one, or less. 0: only quality and cost decide."),
           0, kPpmMax),
    Within(
        Number("routing.explore_ppm", Kind::kInteger, Change::kLive,
               Routing<&RoutingOptions::explore_ppm>(),
               "Share of calls, in a million, that any suitable model gets by chance, so that "
               "what is known of it stays true. Not critical ones, nor turns of a conversation."),
        0, kPpmMax / 2),
    Within(Number("routing.cost_weight_ppm", Kind::kInteger, Change::kLive,
                  Routing<&RoutingOptions::cost_weight_ppm>(),
                  "Expected quality, in a million, that is given up to save the cost of the "
                  "dearest model, even where no mix asks for it."),
           0, kPpmMax),
    Within(Number("routing.quality_floor_ppm", Kind::kInteger, Change::kLive,
                  Routing<&RoutingOptions::quality_floor_ppm>(),
                  "Expected quality, in a million, below which a model is taken only when no "
                  "other one reaches it."),
           0, kPpmMax),
    Within(Number("routing.good_enough_ppm", Kind::kInteger, Change::kRestart,
                  Routing<&RoutingOptions::good_enough_ppm>(),
                  "Quality, in a million, from which an answer is good enough: the score is the "
                  "chance of less."),
           1, kPpmMax),
    Within(Number("routing.level_straightforward", Kind::kInteger, Change::kLive,
                  Routing<&RoutingOptions::level_straightforward>(),
                  "Prompts with a lower score are simple."),
           0, kScoreMax),
    Within(Number("routing.level_complex", Kind::kInteger, Change::kLive,
                  Routing<&RoutingOptions::level_complex>(),
                  "Prompts with a score from here on are complex; between, straightforward."),
           0, kScoreMax),
    Within(Number("routing.level_very_complex", Kind::kInteger, Change::kLive,
                  Routing<&RoutingOptions::level_very_complex>(),
                  "Prompts with a score from here on are very complex."),
           0, kScoreMax),
    Within(Number("routing.decision_ttl_ms", Kind::kMilliseconds, Change::kLive,
                  Routing<&RoutingOptions::decision_ttl_ms>(),
                  "How long ROUTE.FEEDBACK may name a decision. They do not outlive a restart."),
           1'000, 86'400'000),
    Within(Number("routing.prompt_cache_ms", Kind::kMilliseconds, Change::kLive,
                  Routing<&RoutingOptions::prompt_cache_ms>(),
                  "How long a provider keeps a conversation in its prompt cache: till then, going "
                  "to another model costs that discount."),
           0, 86'400'000),
};

constexpr std::array kOtherRows{
    Row{"http.bind",
        Kind::kText,
        Change::kRestart,
        0,
        kAddressBytesMax,
        &At<&Config::http, &HttpOptions::bind>,
        "Address of the admin port. One that is not a loopback address needs http.allowed_hosts.",
        {},
        AddressProblem},
    Within(Number("http.port", Kind::kInteger, Change::kRestart,
                  &At<&Config::http, &HttpOptions::port>,
                  "Admin HTTP port; -1: none, 0: the system chooses."),
           -1, kPortMax),
    Row{"http.allowed_hosts",
        Kind::kList,
        Change::kLive,
        0,
        kAllowedHostsMax,
        &At<&Config::http, &HttpOptions::allowed_hosts>,
        "Host headers that are accepted beside the loopback names, against DNS rebinding.",
        {},
        HostProblem},

    Within(Number("cache.entries_max", Kind::kInteger, Change::kLive,
                  Cache<&CacheOptions::entries_max>(),
                  "Most entries of one namespace; which of them go first, cache.eviction says."),
           limits::kCacheEntries),
    Within(Number("cache.bytes_max", Kind::kBytes, Change::kLive, Cache<&CacheOptions::bytes_max>(),
                  "Most bytes of one namespace's entries: prompts, identities, answers, and what "
                  "keeping them takes on disk and in memory. A larger entry is refused. 0: no "
                  "bound."),
           0, kTiB),
    Within(Number("cache.total_entries_max", Kind::kInteger, Change::kLive,
                  Cache<&CacheOptions::total_entries_max>(),
                  "Most entries of all namespaces together. The namespace with the most gives "
                  "first; one with less than an equal share gives none. 0: no bound."),
           0, limits::kCacheEntries.ceiling),
    Within(Number("cache.total_bytes_max", Kind::kBytes, Change::kLive,
                  Cache<&CacheOptions::total_bytes_max>(),
                  "Most bytes of all namespaces' entries together, as cache.total_entries_max. 0: "
                  "no bound."),
           0, kTiB),
    Row{"cache.eviction", Kind::kChoice, Change::kLive, 0, 0,
        Enumeration<&Config::cache, &CacheOptions::eviction>(),
        "Which entry goes when a bound is reached. lru: the one not used for longest. lfu: the one "
        "used least of late. cost: the same, weighed with what its answer cost (cost_nano of "
        "CACHE.STORE and CACHE.FILL); an unknown cost counts as a typical one. With lfu and cost, "
        "questions asked once do not push out popular ones.",
        kEvictions},
    Within(Number("cache.value_bytes_max", Kind::kBytes, Change::kLive,
                  Cache<&CacheOptions::value_bytes_max>(), "Largest value of a key or response."),
           limits::kValueBytes),
    Within(Number("cache.prompt_bytes_max", Kind::kBytes, Change::kLive,
                  Cache<&CacheOptions::prompt_bytes_max>(), "Longest prompt."),
           limits::kPromptBytes),
    Within(Number("cache.counters_flush_ms", Kind::kMilliseconds, Change::kLive,
                  Cache<&CacheOptions::counters_flush_ms>(),
                  "Hit and saving counters are written this often."),
           kFlushMsMin, 600'000),
    Within(Number("cache.log_sample_ppm", Kind::kInteger, Change::kLive,
                  Cache<&CacheOptions::log_sample_ppm>(),
                  "Share of decisions (hits, misses, refusals) that CACHE.LOG can show, in a "
                  "million; 0: none, 1000000: all. Prompts are never recorded."),
           0, 1'000'000),
    Within(Number("cache.log_keep_ms", Kind::kMilliseconds, Change::kLive,
                  Cache<&CacheOptions::log_keep_ms>(), "Recorded decisions are kept this long."),
           1'000, limits::kTtlMs.ceiling),
    Row{"cache.exact", Kind::kChoice, Change::kLive, 0, 0,
        Enumeration<&Config::cache, &CacheOptions::exact>(),
        "Tier exact: the same prompt and identity. on; off; or shadow: it looks and counts what it "
        "would have answered, but answers as if it were off.",
        kTierModes},
    Row{"cache.normalized", Kind::kChoice, Change::kLive, 0, 0,
        Enumeration<&Config::cache, &CacheOptions::normalized>(),
        "Tier normalized: the same but for case, white space and terminal punctuation. Modes as "
        "cache.exact.",
        kTierModes},
    Row{"cache.semantic", Kind::kChoice, Change::kLive, 0, 0,
        Enumeration<&Config::cache, &CacheOptions::semantic>(),
        "Tier semantic: the same question in other words, as long as the error budget of its query "
        "type allows. Modes as cache.exact; with shadow CACHE.STATS tells first what it would do "
        "with your questions.",
        kTierModes},
    Within(Number("cache.verify_ppm", Kind::kInteger, Change::kLive,
                  Cache<&CacheOptions::verify_ppm>(),
                  "Share of semantic hits, in a million, that are answered `verify`: the caller "
                  "asks its model and tells CACHE.FEEDBACK whether the answers agree."),
           0, 1'000'000),
    Within(Number("cache.negative_ttl_ms", Kind::kMilliseconds, Change::kLive,
                  Cache<&CacheOptions::negative_ttl_ms>(),
                  "How long an upstream's error may be told to others who ask the same; 0: never."),
           0, 3'600'000),
    Row{"cache.rules",
        Kind::kList,
        Change::kLive,
        0,
        kRulesMax,
        &At<&Config::cache, &CacheOptions::rules>,
        "Which query type a prompt has when its caller does not say: texts \"type: pattern\", the "
        "first that matches decides, then the built-in rules. A pattern is words that may stand "
        "anywhere in the prompt, in this order and without others between them; case and "
        "punctuation do not count. A * in place of a word stands for any number of words, at the "
        "beginning or end of a word for any letters: [\"faq: opening hours\", \"codePattern: write "
        "a * function\", \"live: deploy*\"]. Texts have at most 256 bytes.",
        {},
        RuleProblem},
    Row{"cache.bypass_rules",
        Kind::kList,
        Change::kLive,
        0,
        kRulesMax,
        &At<&Config::cache, &CacheOptions::bypass_rules>,
        "Patterns, as in cache.rules but without a type, of prompts that bypass the cache: they "
        "are neither looked up nor stored.",
        {},
        PatternProblem},
    Row{"cache.volatile_fields",
        Kind::kList,
        Change::kLive,
        0,
        kRulesMax,
        &At<&Config::cache, &CacheOptions::volatile_fields>,
        "Fields of chat requests that do not change the answer and are left out of the identity, "
        "beside those that the server knows.",
        {},
        VolatileFieldProblem},
    Within(OfType("cache.types.<name>.ttl_ms", Kind::kMilliseconds, &QueryType::ttl_ms,
                  "How long an entry of this query type lives when its caller does not say."),
           limits::kTtlMs),
    Within(
        OfType("cache.types.<name>.stale_ms", Kind::kMilliseconds, &QueryType::stale_ms,
               "How long after its ttl an answer is still served, marked as stale: while another "
               "caller computes a new one, or when the upstream fails."),
        0, limits::kTtlMs.ceiling),
    Within(OfType("cache.types.<name>.jitter_percent", Kind::kInteger, &QueryType::jitter_percent,
                  "The ttl is shortened at random by up to this much, so that entries made "
                  "together do not end together; not one that the caller gave."),
           0, 50),
    OfType("cache.types.<name>.sliding", Kind::kBoolean, &QueryType::sliding,
           "A hit starts the ttl anew."),
    OfType("cache.types.<name>.store", Kind::kBoolean, &QueryType::store,
           "Whether answers of this query type are kept at all; false: never stored nor served."),
    Within(OfType("cache.types.<name>.response_bytes_max", Kind::kBytes,
                  &QueryType::response_bytes_max, "Larger answers are not stored."),
           limits::kValueBytes),
    OfType("cache.types.<name>.semantic", Kind::kBoolean, &QueryType::semantic,
           "Whether the semantic tier may answer with what was asked in other words. For that "
           "tier; the others do not look at it."),
    Within(
        OfType("cache.types.<name>.error_budget_ppm", Kind::kInteger, &QueryType::error_budget_ppm,
               "Wrong answers that the semantic tier may give, in a million. For that tier; the "
               "others make none."),
        0, 1'000'000),

    Row{"log.level", Kind::kChoice, Change::kLive, 0, 0, &At<&Config::log, &LogOptions::level>,
        "The least important events that are logged.", kLevels},
    Row{"log.format", Kind::kChoice, Change::kLive, 0, 0, &At<&Config::log, &LogOptions::format>,
        "text for people, json for machines.", kFormats},
    Row{"log.file",
        Kind::kText,
        Change::kRestart,
        0,
        kPathBytesMax,
        &At<&Config::log, &LogOptions::file>,
        "Log file, opened again on SIGHUP; empty: standard error.",
        {},
        PathProblem},
    Within(Number("log.slow_micros", Kind::kMicroseconds, Change::kLive,
                  &At<&Config::log, &LogOptions::slow_micros>,
                  "Commands that take longer go to the slow log, without their arguments."),
           0, 3'600'000'000),
    Within(Number("log.slow_items", Kind::kInteger, Change::kLive,
                  &At<&Config::log, &LogOptions::slow_items>, "Commands that the slow log keeps."),
           limits::kSlowLogItems),
};

constexpr std::array kSpendRows{
    Row{"spend.prices_file",
        Kind::kText,
        Change::kRestart,
        0,
        kPathBytesMax,
        &At<&Config::spend, &SpendOptions::prices_file>,
        "Prices of models (TOML, or JSON when it ends with .json) that the directory has none of "
        "its "
        "own for (PRICE.SET, PRICE.IMPORT). Empty: conf/prices.toml beside the build tree, else "
        "/usr/share/reprise/prices.toml. \"none\": no file.",
        {},
        PathProblem},
};

constexpr auto kRows = [] {
  constexpr std::size_t kCount = kStoreRows.size() + kNetworkRows.size() + kSemanticRows.size() +
                                 kRoutingRows.size() + kSpendRows.size() + kControlRows.size() +
                                 kRateRows.size() + kJobRows.size() + kOtherRows.size();
  std::array<Row, kCount> rows{};
  auto end = std::copy(kStoreRows.begin(), kStoreRows.end(), rows.begin());
  end = std::copy(kNetworkRows.begin(), kNetworkRows.end(), end);
  end = std::copy(kSemanticRows.begin(), kSemanticRows.end(), end);
  end = std::copy(kRoutingRows.begin(), kRoutingRows.end(), end);
  end = std::copy(kSpendRows.begin(), kSpendRows.end(), end);
  end = std::copy(kControlRows.begin(), kControlRows.end(), end);
  end = std::copy(kRateRows.begin(), kRateRows.end(), end);
  end = std::copy(kJobRows.begin(), kJobRows.end(), end);
  std::copy(kOtherRows.begin(), kOtherRows.end(), end);
  return rows;
}();

constexpr std::array kSections{
    Section{"store", "The data directory: what is kept, how safely, and with how much memory."},
    Section{"network", "Connections of bots: where the server listens and what a client may cost."},
    Section{"http", "The admin port for health checks and metrics. It changes nothing."},
    Section{"cache", "Entries of the cache and their bounds."},
    Section{"semantic", "Vectors of questions, for the tier that knows them in other words."},
    Section{"routing", "Which model answers a prompt, and what is learned from how it went."},
    Section{"spend", "Money: prices of models. Budgets and amounts are set by commands."},
    Section{"control", "Which strategies are in force, and what turns them off."},
    Section{"rate", "Rate limits: the commands LIMIT.TAKE and its like."},
    Section{"jobs", "Tasks that bots hand in: batches, deferral, workers, results."},
    Section{"log", "What the server says about itself. Prompts and values are never logged."},
};

}  // namespace

std::span<const Row> Rows() {
  return kRows;
}

std::span<const Section> Sections() {
  return kSections;
}

}  // namespace reprise::config
