#include "weir/model/engine.h"

namespace weir::model {

async::Task<Result<Reply>> Collect(async::Context ctx, ReplyStream& stream) {
  Assembler assembler;
  Delta piece;
  for (;;) {
    WEIR_CO_TRY(const bool more, co_await stream.Next(ctx, piece));
    if (!more) break;
    assembler.Add(piece);
  }
  co_return std::move(assembler).Finish(stream.info());
}

}  // namespace weir::model
