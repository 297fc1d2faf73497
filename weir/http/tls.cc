#include "weir/http/tls.h"

#include <ctime>

#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include "weir/async/completion.h"
#include "weir/async/guard.h"
#include "weir/base/text.h"

namespace weir::http {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;

constexpr Duration kHandshakeLimit = std::chrono::seconds(10);
constexpr std::size_t kMostNameBytes = 200;

using SslStream = ssl::stream<TcpSocket>;

class TlsStream final : public ByteStream {
 public:
  TlsStream(TcpSocket socket, ssl::context& context) : ssl_(std::move(socket), context) {
    boost::system::error_code ignored;  // a socket that refuses an option fails at its first use
    ssl_.next_layer().set_option(asio::ip::tcp::no_delay(true), ignored);
  }

  SslStream& ssl() { return ssl_; }

  async::Task<IoResult> ReadSome(std::span<char> into) override {
    auto result =
        co_await ssl_.async_read_some(asio::buffer(into.data(), into.size()), async::kAwait);
    // A peer that closes without close_notify may have been cut by an attacker; for us both are an
    // end of file, because framing above tells a whole message from a cut one.
    if (std::get<0>(result) == ssl::error::stream_truncated) std::get<0>(result) = asio::error::eof;
    co_return result;
  }

  IoResult TryWrite(std::string_view) override { return {boost::system::error_code(), 0}; }

  async::Task<IoResult> Write(std::string_view bytes) override {
    co_return co_await asio::async_write(ssl_, asio::buffer(bytes), async::kAwait);
  }

  void Close() noexcept override {
    boost::system::error_code ignored;  // the descriptor is gone either way
    ssl_.next_layer().close(ignored);
  }

  void Reset() noexcept override {
    ResetOnClose(ssl_.next_layer().native_handle());
    Close();
  }

  void ShutdownSend() noexcept override {
    boost::system::error_code ignored;  // the peer may already have gone
    ssl_.next_layer().shutdown(TcpSocket::shutdown_send, ignored);
  }

  Peek PeekPeer() noexcept override { return PeekSocket(ssl_.next_layer().native_handle()); }

  // Record framing hides which of our bytes an acknowledgement covers.
  std::optional<Delivery> Delivered() noexcept override { return std::nullopt; }

 private:
  SslStream ssl_;
};

std::string HandshakeAdvice(SslStream& stream, const std::string& host) {
  const long verdict = SSL_get_verify_result(stream.native_handle());
  if (verdict == X509_V_OK) {
    return "check that this port speaks https and not http";
  }
  const std::string why = X509_verify_cert_error_string(verdict);
  if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH) {
    return StrCat("its certificate is not for '", host, "' (", why,
                  "); use the name in the certificate or set tls.server_name");
  }
  if (verdict == X509_V_ERR_CERT_HAS_EXPIRED || verdict == X509_V_ERR_CERT_NOT_YET_VALID) {
    return StrCat("its certificate is out of date (", why,
                  "); renew it, or set the clock of this machine right");
  }
  return StrCat("its certificate is not trusted (", why,
                "); give its authority with `tls.ca_file`");
}

// Whether the handshake would fail again: the peer was understood, and is not whom we want. What
// broke off, or is a trouble of the peer's own, may be over soon.
bool IsForGood(const boost::system::error_code& error) {
  if (error.category() != asio::error::get_ssl_category()) return false;
  const int reason = ERR_GET_REASON(static_cast<unsigned long>(error.value()));
  return reason != SSL_R_TLSV1_ALERT_INTERNAL_ERROR && reason != SSL_R_TLSV1_ALERT_USER_CANCELLED &&
         reason != SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

// Asks for and insists on the name; an address is checked as one and not asked for (RFC 6066).
// Without verification the expectation is set, too, but its failure does not count.
void ExpectPeer(SSL* connection, const std::string& name) {
  X509_VERIFY_PARAM* param = SSL_get0_param(connection);
  if (X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str()) == 1) return;
  SSL_set_tlsext_host_name(connection, name.c_str());
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  X509_VERIFY_PARAM_set1_host(param, name.c_str(), name.size());
}

std::string NameOf(const X509_NAME* name) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), &BIO_free);
  if (text == nullptr || X509_NAME_print_ex(text.get(), name, 0, XN_FLAG_RFC2253) < 0) return {};
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text.get(), &bytes);
  return Truncate(std::string_view(bytes, static_cast<std::size_t>(size)), kMostNameBytes);
}

// The session keeps no certificate that was refused, so it is looked at while it is judged.
void Watch(SslStream& stream, TlsReport& report) {
  stream.set_verify_callback([&report](bool fine, ssl::verify_context& context) {
    const X509* certificate = X509_STORE_CTX_get0_cert(context.native_handle());
    report.subject = NameOf(X509_get_subject_name(certificate));
    report.issuer = NameOf(X509_get_issuer_name(certificate));
    std::tm end{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1) report.expires = timegm(&end);
    return fine;
  });
}

Result<void> Load(ssl::context& context, const TlsOptions& options) {
  boost::system::error_code error;
  if (options.ca_file.empty()) {
    context.set_default_verify_paths(error);
  } else {
    context.load_verify_file(options.ca_file, error);
    if (error) {
      return Fail(Code::kConfigError,
                  StrCat("cannot read the certificates of tls.ca_file ", options.ca_file),
                  error.message());
    }
  }
  if (!options.cert_file.empty()) {
    context.use_certificate_chain_file(options.cert_file, error);
    if (!error) context.use_private_key_file(options.key_file, ssl::context::pem, error);
    if (error) {
      return Fail(Code::kConfigError,
                  StrCat("cannot use the client certificate tls.cert_file ", options.cert_file,
                         " with tls.key_file ", options.key_file),
                  error.message());
    }
  }
  return {};
}

class OpenSslClient final : public TlsClient {
 public:
  explicit OpenSslClient(const TlsOptions& options) : options_(options) {
    context_.set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 |
                         ssl::context::no_sslv3 | ssl::context::no_tlsv1 |
                         ssl::context::no_tlsv1_1);
    context_.set_verify_mode(options.verify ? ssl::verify_peer : ssl::verify_none);
  }

  Result<void> Init() { return Load(context_, options_); }

  async::Task<Result<std::unique_ptr<ByteStream>>> Handshake(async::Context ctx, TcpSocket socket,
                                                             std::string host,
                                                             TlsReport* report) override {
    const std::string name = options_.server_name.empty() ? host : options_.server_name;
    auto stream = std::make_unique<TlsStream>(std::move(socket), context_);
    ExpectPeer(stream->ssl().native_handle(), name);
    if (report != nullptr) Watch(stream->ssl(), *report);

    const async::Guard guard(ctx, ctx.deadline, [&] { stream->Close(); });
    const auto [error] =
        co_await stream->ssl().async_handshake(ssl::stream_base::client, async::kAwait);
    WEIR_CO_CHECK(guard.Check());
    if (error) {
      co_return Fail(Error{
          .code = Code::kConnectionError,
          .message = StrCat("TLS with ", host, " failed: ", HandshakeAdvice(stream->ssl(), name)),
          .cause = error.message(),
          .permanent = IsForGood(error)});
    }
    if (report != nullptr) report->version = SSL_get_version(stream->ssl().native_handle());
    co_return std::unique_ptr<ByteStream>(std::move(stream));
  }

 private:
  const TlsOptions options_;
  ssl::context context_{ssl::context::tls_client};
};

class OpenSslServer final : public TlsServer {
 public:
  Result<void> Init(const TlsServerOptions& options) {
    boost::system::error_code error;
    context_.set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 |
                         ssl::context::no_sslv3 | ssl::context::no_tlsv1 |
                         ssl::context::no_tlsv1_1);
    context_.use_certificate_chain_file(options.cert_file, error);
    if (!error) context_.use_private_key_file(options.key_file, ssl::context::pem, error);
    if (!error) return {};
    return Fail(Code::kConfigError,
                StrCat("cannot use certificate ", options.cert_file, " with key ", options.key_file,
                       "; both must be PEM and belong together"),
                error.message());
  }

  async::Task<Result<std::unique_ptr<ByteStream>>> Accept(async::Context ctx,
                                                          TcpSocket socket) override {
    auto stream = std::make_unique<TlsStream>(std::move(socket), context_);
    const TimePoint at = std::min(ctx.deadline, ctx.Now() + kHandshakeLimit);
    const async::Guard guard(ctx, at, [&] { stream->Close(); });
    const auto [error] =
        co_await stream->ssl().async_handshake(ssl::stream_base::server, async::kAwait);
    if (error) co_return Fail(Code::kConnectionError, "TLS handshake failed", error.message());
    co_return std::unique_ptr<ByteStream>(std::move(stream));
  }

 private:
  ssl::context context_{ssl::context::tls_server};
};

}  // namespace

Result<std::unique_ptr<TlsClient>> NewTlsClient(const TlsOptions& options) {
  auto client = std::make_unique<OpenSslClient>(options);
  WEIR_CHECK(client->Init());
  return client;
}

Result<std::unique_ptr<TlsServer>> NewTlsServer(const TlsServerOptions& options) {
  auto server = std::make_unique<OpenSslServer>();
  WEIR_CHECK(server->Init(options));
  return server;
}

}  // namespace weir::http
