#include "weir/model/engine.h"

namespace weir::model {

async::Task<Result<Reply>> Collect(async::Context ctx, ReplyStream& stream) {
  Assembler assembler;
  for (;;) {
    WEIR_CO_TRY(const std::optional<Delta> delta, co_await stream.Next(ctx));
    if (!delta) break;
    assembler.Add(*delta);
  }
  co_return std::move(assembler).Finish(stream.info());
}

}  // namespace weir::model
