#include "config/key_table.hpp"
#include "config/url.hpp"

namespace healthgate::config {
namespace {

using namespace std::chrono_literals;
using Make = RowMaker<ProbeConfig>;
using Rows = std::vector<Row<ProbeConfig>>;
using Schemes = std::vector<Scheme>;

const Schemes http = {Scheme::http, Scheme::https, Scheme::http_unix};
const Schemes tls = {Scheme::https, Scheme::grpcs};
const Schemes network = {Scheme::http, Scheme::https, Scheme::tcp, Scheme::grpc, Scheme::grpcs};

Row<ProbeConfig> for_schemes(Schemes schemes, Row<ProbeConfig> row) {
  row.schemes = std::move(schemes);
  return row;
}

Read<std::string> as_it_stands(std::string_view text) {
  return std::string(text);
}

Read<std::string> parse_method(std::string_view text) {
  const bool upper =
      !text.empty() && text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string_view::npos;
  if (!upper || text == "CONNECT" || text.size() > 20) {
    return base::Failure{
        std::string("a method in capitals, as GET, HEAD, OPTIONS or POST; CONNECT is not allowed")};
  }
  return std::string(text);
}

// HOST, HOST:PORT, [ADDRESS]:PORT: what may stand in a Host header.
Read<std::string> parse_host_header(std::string_view text) {
  const bool clean =
      !text.empty() && text.size() <= 300 &&
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") ==
          std::string_view::npos;
  return clean ? Read<std::string>(std::string(text))
               : Read<std::string>(
                     base::Failure{std::string("a host's name or address, with :PORT where needed")});
}

Read<std::string> parse_source(std::string_view text) {
  return is_numeric_address(text)
             ? Read<std::string>(std::string(text))
             : Read<std::string>(base::Failure{std::string("a numeric address of this host, as 192.0.2.7")});
}

Read<std::string> parse_user(std::string_view text) {
  const bool clean =
      !text.empty() && text.size() <= 32 &&
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-$") ==
          std::string_view::npos;
  return clean ? Read<std::string>(std::string(text))
               : Read<std::string>(base::Failure{std::string("the name of a user, as nobody")});
}

Row<ProbeConfig> url_row(const Make& make) {
  Row<ProbeConfig> row = make.text("url", "URL", &ProbeConfig::url, Effect::prober,
                                   "what to ask; the scheme says how", as_it_stands);
  row.read = read_url;
  row.clear = [](ProbeConfig&) {}; // a URL is only ever replaced
  return row;
}

Row<ProbeConfig> must_not_exist_row(const Make& make) {
  Row<ProbeConfig> row = make.yes_no("file-absent", &ProbeConfig::file_must_exist, Effect::prober,
                                     "pass while the file does not exist, instead of while it does");
  row.key.default_text = "no";
  row.read = [](std::string_view text, ProbeConfig& probe) -> Problem {
    const auto absent = parse_yes_no(text);
    if (!absent) {
      return absent.error();
    }
    probe.file_must_exist = !absent.value();
    return std::nullopt;
  };
  row.write = [](const ProbeConfig& probe) {
    return std::vector<std::string>{probe.file_must_exist ? "no" : "yes"};
  };
  return for_schemes({Scheme::file}, std::move(row));
}

Row<ProbeConfig> status_row(const Make& make) {
  return for_schemes(http, make.single("expect-status", "status list", "as 200,204,300-399",
                                       &ProbeConfig::expect_status, Effect::prober, "status codes that pass",
                                       parse_status_list, format_status_list));
}

Row<ProbeConfig> body_limit_row(const Make& make) {
  constexpr std::size_t most = 16UL * 1024 * 1024;
  const auto parse = [](std::string_view text) -> Read<std::size_t> {
    auto size = parse_size(text);
    return size && (size.value() == 0 || size.value() > most)
               ? Read<std::size_t>(base::Failure{std::string("allowed: 1 to 16M")})
               : size;
  };
  return for_schemes(http, make.single("body-limit", "size", "1 to 16M", &ProbeConfig::body_limit_bytes,
                                       Effect::prober, "longest body that is read; a longer one fails", parse,
                                       format_size));
}

Row<ProbeConfig> bytes_row(const Make& make, std::string name, std::string ProbeConfig::*member,
                           std::string help) {
  return for_schemes({Scheme::tcp},
                     make.single(std::move(name), "bytes", R"(with \r \n \t \0 \\ \" \xHH)", member,
                                 Effect::prober, std::move(help), unescape, [](const std::string& bytes) {
                                   return bytes.empty() ? std::string() : escape(bytes);
                                 }));
}

std::string header_text(const Header& header) {
  return header.second.empty() ? header.first : header.first + ": " + header.second;
}

void add_tempo(const Make& make, Rows& rows) {
  rows.push_back(url_row(make));
  rows.push_back(make.duration("interval", &ProbeConfig::interval, 10ms, 1h, Effect::prober,
                               "as the gate's, for this probe alone"));
  rows.push_back(make.duration("timeout", &ProbeConfig::timeout, 1ms, 1h, Effect::prober,
                               "as the gate's, for this probe alone"));
  rows.push_back(make.integer("rise", &ProbeConfig::rise, 1, 1000, Effect::prober,
                              "as the gate's, for this probe alone"));
  rows.push_back(make.integer("fall", &ProbeConfig::fall, 1, 1000, Effect::prober,
                              "as the gate's, for this probe alone"));
  rows.push_back(make.yes_no("soft", &ProbeConfig::soft, Effect::prober,
                             "count only while a probe that is not soft passes, and only after soft-grace"));
}

void add_http(const Make& make, Rows& rows) {
  const auto add = [&](Row<ProbeConfig> row) { rows.push_back(for_schemes(http, std::move(row))); };
  add(make.text("method", "word", &ProbeConfig::method, Effect::prober, "the request's method",
                parse_method));
  add(make.text("host", "name", &ProbeConfig::host_header, Effect::prober,
                "the Host header, where it is another than the URL's host", parse_host_header));
  add(make.multi("header", "Name: value", "", &ProbeConfig::headers, Effect::prober,
                 "a header of the request", false, parse_header,
                 [](const Header& header) { return header.first + ": " + header.second; }));
  rows.push_back(status_row(make));
  add(make.multi("expect-header", "Name or Name: value", "", &ProbeConfig::expect_headers, Effect::prober,
                 "a header that the answer must have", false, parse_expected_header, header_text));
  add(make.text("expect-body", "text", &ProbeConfig::expect_body, Effect::prober,
                "text that must appear in the body", as_it_stands));
  add(make.text("expect-body-regex", "RE2 expression", &ProbeConfig::expect_body_regex, Effect::prober,
                "expression that must match somewhere in the body", as_it_stands));
  add(make.multi("expect-json", "/pointer OP value", "OP is ==, !=, <, <=, >, >= or exists",
                 &ProbeConfig::expect_json, Effect::prober, "what must hold in a JSON body", false,
                 parse_json_expectation, [](const JsonExpectation& e) {
                   return e.pointer + " " + e.op + (e.value.empty() ? "" : " " + e.value);
                 }));
  rows.push_back(body_limit_row(make));
  add(make.choice<HttpVersion>(
      "http-version", &ProbeConfig::http_version,
      {{"1.0", HttpVersion::http1_0}, {"1.1", HttpVersion::http1_1}, {"2", HttpVersion::http2}},
      Effect::prober, "the version to speak, where it is not left to the two sides"));
  add(make.choice<Redirects>(
      "follow-redirects", &ProbeConfig::follow_redirects,
      {{"off", Redirects::off}, {"same-host", Redirects::same_host}, {"any-host", Redirects::any_host}},
      Effect::prober, "whether a redirect is followed, and how far"));
}

void add_connection(const Make& make, Rows& rows) {
  const auto add_tls = [&](Row<ProbeConfig> row) { rows.push_back(for_schemes(tls, std::move(row))); };
  add_tls(make.path("ca", &ProbeConfig::ca, Effect::prober,
                    "certificates (PEM) to trust instead of the system's"));
  add_tls(make.path("cert", &ProbeConfig::cert, Effect::prober, "client certificate (PEM)"));
  add_tls(make.path("key", &ProbeConfig::key, Effect::prober,
                    "private key (PEM) of cert, where it is not in it"));
  add_tls(make.text("sni", "name", &ProbeConfig::sni, Effect::prober,
                    "name to ask for and to verify, where it is another than the URL's host",
                    parse_host_name));
  add_tls(make.text("pinned-name", "name", &ProbeConfig::pinned_name, Effect::prober,
                    "name that must be among the certificate's, whatever the host is", parse_host_name));
  add_tls(make.choice<TlsVersion>("tls-min", &ProbeConfig::tls_min,
                                  {{"1.0", TlsVersion::tls1_0},
                                   {"1.1", TlsVersion::tls1_1},
                                   {"1.2", TlsVersion::tls1_2},
                                   {"1.3", TlsVersion::tls1_3}},
                                  Effect::prober, "oldest TLS version that is accepted"));
  add_tls(make.yes_no("insecure", &ProbeConfig::insecure, Effect::prober, "do not verify the certificate"));
  rows.push_back(for_schemes(
      network, make.choice<ProxyProtocol>(
                   "proxy-protocol", &ProbeConfig::proxy_protocol,
                   {{"off", ProxyProtocol::off}, {"v1", ProxyProtocol::v1}, {"v2", ProxyProtocol::v2}},
                   Effect::prober, "begin the connection with this PROXY preamble")));
  rows.push_back(for_schemes(network, make.text("source", "address", &ProbeConfig::source, Effect::prober,
                                                "address of this host to connect from", parse_source)));
}

void add_others(const Make& make, Rows& rows) {
  rows.push_back(bytes_row(make, "send", &ProbeConfig::send, "what to send after connecting"));
  rows.push_back(bytes_row(make, "expect", &ProbeConfig::expect, "what must appear in the answer"));
  rows.push_back(for_schemes(
      {Scheme::exec}, make.text("user", "name", &ProbeConfig::user, Effect::prober,
                                "user to run the program as, where the daemon may change it", parse_user)));
  rows.push_back(must_not_exist_row(make));
}

} // namespace

const std::vector<Row<ProbeConfig>>& probe_rows() {
  static const Rows rows = [] {
    const Make make(Scope::probe);
    Rows out;
    add_tempo(make, out);
    add_http(make, out);
    add_connection(make, out);
    add_others(make, out);
    return out;
  }();
  return rows;
}

} // namespace healthgate::config
