#include "weir/store/libpq.h"

#include <dlfcn.h>

#include "weir/base/text.h"

namespace weir::store {
namespace {

template <class Function>
bool Find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

}  // namespace

Result<Libpq> LoadLibpq(const std::string& name) {
  void* library = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();
    return Fail(Code::kConfigError,
                StrCat("a store in PostgreSQL needs its client library ", name,
                       "; install the package libpq5 (apt-get install libpq5)"),
                why == nullptr ? "" : why);
  }
  Libpq pq;
  const bool complete =
      Find(library, "PQconninfoParse", pq.conninfoParse) &&
      Find(library, "PQconninfoFree", pq.conninfoFree) &&
      Find(library, "PQconnectStartParams", pq.connectStartParams) &&
      Find(library, "PQconnectPoll", pq.connectPoll) &&
      Find(library, "PQsetErrorVerbosity", pq.setErrorVerbosity) &&
      Find(library, "PQsetNoticeProcessor", pq.setNoticeProcessor) &&
      Find(library, "PQfinish", pq.finish) && Find(library, "PQstatus", pq.status) &&
      Find(library, "PQtransactionStatus", pq.transactionStatus) &&
      Find(library, "PQerrorMessage", pq.errorMessage) && Find(library, "PQsocket", pq.socket) &&
      Find(library, "PQsetnonblocking", pq.setnonblocking) &&
      Find(library, "PQsendQuery", pq.sendQuery) &&
      Find(library, "PQsendPrepare", pq.sendPrepare) &&
      Find(library, "PQsendQueryPrepared", pq.sendQueryPrepared) &&
      Find(library, "PQflush", pq.flush) && Find(library, "PQconsumeInput", pq.consumeInput) &&
      Find(library, "PQisBusy", pq.isBusy) && Find(library, "PQgetResult", pq.getResult) &&
      Find(library, "PQnotifies", pq.notifies) && Find(library, "PQfreemem", pq.freemem) &&
      Find(library, "PQresultStatus", pq.resultStatus) &&
      Find(library, "PQresultErrorField", pq.resultErrorField) &&
      Find(library, "PQclear", pq.clear) && Find(library, "PQntuples", pq.ntuples) &&
      Find(library, "PQgetvalue", pq.getvalue) && Find(library, "PQgetlength", pq.getlength) &&
      Find(library, "PQgetisnull", pq.getisnull) && Find(library, "PQcmdTuples", pq.cmdTuples);
  if (complete) return pq;
  return Fail(Code::kConfigError, StrCat("the library ", name,
                                         " is not PostgreSQL's, or too old; install the package "
                                         "libpq5 of PostgreSQL 12 or newer"));
}

}  // namespace weir::store
