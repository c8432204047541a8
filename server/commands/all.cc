#include "server/commands/all.h"

#include <array>

namespace reprise::commands {

extern const CommandSpec kAuth;
extern const CommandSpec kBackup;
extern const CommandSpec kBatchBeat;
extern const CommandSpec kBatchCancel;
extern const CommandSpec kBatchClassify;
extern const CommandSpec kBatchComplete;
extern const CommandSpec kBatchDead;
extern const CommandSpec kBatchExtend;
extern const CommandSpec kBatchFail;
extern const CommandSpec kBatchPause;
extern const CommandSpec kBatchResult;
extern const CommandSpec kBatchResume;
extern const CommandSpec kBatchStats;
extern const CommandSpec kBatchSubmit;
extern const CommandSpec kBatchTake;
extern const CommandSpec kBatchTrain;
extern const CommandSpec kBatchWindows;
extern const CommandSpec kBudgetCommit;
extern const CommandSpec kBudgetDel;
extern const CommandSpec kBudgetRelease;
extern const CommandSpec kBudgetReserve;
extern const CommandSpec kBudgetSet;
extern const CommandSpec kBudgetStatus;
extern const CommandSpec kCacheAbandon;
extern const CommandSpec kCacheAppend;
extern const CommandSpec kCacheCalibrate;
extern const CommandSpec kCacheExpire;
extern const CommandSpec kCacheExplain;
extern const CommandSpec kCacheExport;
extern const CommandSpec kCacheFeedback;
extern const CommandSpec kCacheFetch;
extern const CommandSpec kCacheFill;
extern const CommandSpec kCacheImport;
extern const CommandSpec kCacheInvalidate;
extern const CommandSpec kCacheLog;
extern const CommandSpec kCacheLookup;
extern const CommandSpec kCacheRenew;
extern const CommandSpec kCacheStats;
extern const CommandSpec kCacheStore;
extern const CommandSpec kCacheTypes;
extern const CommandSpec kClientKill;
extern const CommandSpec kClientList;
extern const CommandSpec kCommandDocs;
extern const CommandSpec kCommandList;
extern const CommandSpec kConfigGet;
extern const CommandSpec kConfigSet;
extern const CommandSpec kDel;
extern const CommandSpec kEcho;
extern const CommandSpec kExists;
extern const CommandSpec kExpire;
extern const CommandSpec kFlush;
extern const CommandSpec kGet;
extern const CommandSpec kGuardrailRearm;
extern const CommandSpec kGuardrailSet;
extern const CommandSpec kGuardrailStatus;
extern const CommandSpec kHello;
extern const CommandSpec kIncrby;
extern const CommandSpec kInfo;
extern const CommandSpec kKeyCreate;
extern const CommandSpec kKeyDel;
extern const CommandSpec kKeyList;
extern const CommandSpec kLimitAcquire;
extern const CommandSpec kLimitAdjust;
extern const CommandSpec kLimitDel;
extern const CommandSpec kLimitList;
extern const CommandSpec kLimitPeek;
extern const CommandSpec kLimitRelease;
extern const CommandSpec kLimitRenew;
extern const CommandSpec kLimitSet;
extern const CommandSpec kLimitTake;
extern const CommandSpec kMget;
extern const CommandSpec kMset;
extern const CommandSpec kNamespaceCreate;
extern const CommandSpec kNamespaceDel;
extern const CommandSpec kNamespaceList;
extern const CommandSpec kPersist;
extern const CommandSpec kPing;
extern const CommandSpec kPriceImport;
extern const CommandSpec kPriceList;
extern const CommandSpec kPriceQuote;
extern const CommandSpec kPriceSet;
extern const CommandSpec kQualityRecord;
extern const CommandSpec kQuit;
extern const CommandSpec kRouteFeedback;
extern const CommandSpec kRouteModelDel;
extern const CommandSpec kRouteModelSet;
extern const CommandSpec kRouteModels;
extern const CommandSpec kRouteScore;
extern const CommandSpec kRouteSelect;
extern const CommandSpec kRouteStats;
extern const CommandSpec kRouteTeach;
extern const CommandSpec kSave;
extern const CommandSpec kScan;
extern const CommandSpec kSet;
extern const CommandSpec kShutdown;
extern const CommandSpec kSlowlog;
extern const CommandSpec kSpendRecord;
extern const CommandSpec kSpendReport;
extern const CommandSpec kSpendVerify;
extern const CommandSpec kStats;
extern const CommandSpec kStrategyList;
extern const CommandSpec kStrategySet;
extern const CommandSpec kSubscribe;
extern const CommandSpec kTtl;
extern const CommandSpec kUnsubscribe;
extern const CommandSpec kVerify;

std::span<const CommandSpec* const> AllCommands() {
  static constexpr std::array kAll{
      &kAuth,
      &kBackup,
      &kBatchBeat,
      &kBatchCancel,
      &kBatchClassify,
      &kBatchComplete,
      &kBatchDead,
      &kBatchExtend,
      &kBatchFail,
      &kBatchPause,
      &kBatchResult,
      &kBatchResume,
      &kBatchStats,
      &kBatchSubmit,
      &kBatchTake,
      &kBatchTrain,
      &kBatchWindows,
      &kBudgetCommit,
      &kBudgetDel,
      &kBudgetRelease,
      &kBudgetReserve,
      &kBudgetSet,
      &kBudgetStatus,
      &kCacheAbandon,
      &kCacheAppend,
      &kCacheCalibrate,
      &kCacheExpire,
      &kCacheExplain,
      &kCacheExport,
      &kCacheFeedback,
      &kCacheFetch,
      &kCacheFill,
      &kCacheImport,
      &kCacheInvalidate,
      &kCacheLog,
      &kCacheLookup,
      &kCacheRenew,
      &kCacheStats,
      &kCacheStore,
      &kCacheTypes,
      &kClientKill,
      &kClientList,
      &kCommandDocs,
      &kCommandList,
      &kConfigGet,
      &kConfigSet,
      &kDel,
      &kEcho,
      &kExists,
      &kExpire,
      &kFlush,
      &kGet,
      &kGuardrailRearm,
      &kGuardrailSet,
      &kGuardrailStatus,
      &kHello,
      &kIncrby,
      &kInfo,
      &kKeyCreate,
      &kKeyDel,
      &kKeyList,
      &kLimitAcquire,
      &kLimitAdjust,
      &kLimitDel,
      &kLimitList,
      &kLimitPeek,
      &kLimitRelease,
      &kLimitRenew,
      &kLimitSet,
      &kLimitTake,
      &kMget,
      &kMset,
      &kNamespaceCreate,
      &kNamespaceDel,
      &kNamespaceList,
      &kPersist,
      &kPing,
      &kPriceImport,
      &kPriceList,
      &kPriceQuote,
      &kPriceSet,
      &kQualityRecord,
      &kQuit,
      &kRouteFeedback,
      &kRouteModelDel,
      &kRouteModelSet,
      &kRouteModels,
      &kRouteScore,
      &kRouteSelect,
      &kRouteStats,
      &kRouteTeach,
      &kSave,
      &kScan,
      &kSet,
      &kShutdown,
      &kSlowlog,
      &kSpendRecord,
      &kSpendReport,
      &kSpendVerify,
      &kStats,
      &kStrategyList,
      &kStrategySet,
      &kSubscribe,
      &kTtl,
      &kUnsubscribe,
      &kVerify,
  };
  return kAll;
}

}  // namespace reprise::commands
