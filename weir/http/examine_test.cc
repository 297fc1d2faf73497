#include "weir/http/examine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/http/socket_stream.h"

namespace weir::http {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using testing::ElementsAre;
using testing::HasSubstr;

using Acceptor = tcp::acceptor::rebind_executor<async::Executor>::other;

class ExamineTest : public testing::Test {
 protected:
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  async::Loop loop_;
  async::Context ctx_ = async::Context(loop_).WithTimeout(10s);
  Acceptor acceptor_{loop_.io(), tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)};
};

TEST_F(ExamineTest, LiteralAddressIsItsOwn) {
  for (const std::string& address : {"127.0.0.1", "::1", "2001:db8::7"}) {
    const auto found = loop_.Run(LookUp(ctx_, address));
    ASSERT_TRUE(found.has_value());
    EXPECT_THAT(*found, ElementsAre(address));
  }
}

TEST_F(ExamineTest, PortThatListensLetsIn) {
  EXPECT_TRUE(loop_.Run(Knock(ctx_, "127.0.0.1", port())).has_value());
}

TEST_F(ExamineTest, PortThatIsClosedRefuses) {
  const std::uint16_t closed = port();
  acceptor_.close();

  const Result<void> knocked = loop_.Run(Knock(ctx_, "127.0.0.1", closed));

  ASSERT_FALSE(knocked.has_value());
  EXPECT_EQ(knocked.error().code, Code::kConnectionError);
  EXPECT_THAT(knocked.error().cause, HasSubstr("refused"));
}

TEST_F(ExamineTest, PeerThatSaysNothingShowsNoCertificate) {
  TlsReport report;
  const async::Context soon = ctx_.WithTimeout(50ms);

  const Result<void> shaken =
      loop_.Run(ExamineTls(soon, {}, "127.0.0.1", port(), "localhost", report));

  ASSERT_FALSE(shaken.has_value());
  EXPECT_EQ(shaken.error().code, Code::kTimeout);
  EXPECT_EQ(report.subject, "");
  EXPECT_EQ(report.version, "");
}

}  // namespace
}  // namespace weir::http
