#include "api/sign_in_routes.h"

#include <string>
#include <utility>

#include "api/authentication.h"
#include "api/http/http_target.h"
#include "api/identity/identity_providers.h"

namespace codelore::api {
namespace {

constexpr size_t kMaxFormBytes = 16 * 1024;
constexpr std::string_view kHtmlType = "text/html; charset=utf-8", kFormType = "application/x-www-form-urlencoded";

std::string Escaped(std::string_view text) {
  std::string safe;
  for (char c : text) {
    switch (c) {
      case '&': safe += "&amp;"; break;
      case '<': safe += "&lt;"; break;
      case '>': safe += "&gt;"; break;
      case '"': safe += "&quot;"; break;
      case '\'': safe += "&#39;"; break;
      default: safe += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  }
  return safe;
}

// "same-origin", because with "no-referrer" browsers hide the Origin of our own forms, too.
void SetPage(HttpResponse& response, int http_status, const std::string& title, const std::string& content) {
  response.SetStatus(http_status);
  response.SetHeader("Content-Security-Policy", "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
  response.SetHeader("Referrer-Policy", "same-origin");
  response.SetHeader("X-Frame-Options", "DENY");
  response.SetBody("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + Escaped(title) + " - Codelore</title></head><body><h1>" +
                       Escaped(title) + "</h1>\n" + content + "</body></html>\n",
                   kHtmlType);
}

void GoTo(HttpResponse& response, const std::string& place) {
  response.SetStatus(303);
  response.SetHeader("Location", place);
  response.SetBody("", kHtmlType);
}

void SetRefusal(HttpResponse& response, const Status& status) {
  int http_status = status.code() == StatusCode::kPermissionDenied ? 403 : HttpStatusOf(status.code());
  const char* why = http_status == 403 ? "You were not signed in. Begin again." : http_status == 404 ? "There is no such sign-in." : "Signing in does not work now. Try again.";
  SetPage(response, http_status, "Not signed in", "<p>" + std::string(why) + "</p><p><a href=\"/signin\">Sign in</a></p>\n");
}

// Of a form, the first of that name.
std::string FormField(const HttpRequest& request, std::string_view wanted) {
  for (std::string_view rest = request.body; !rest.empty();) {
    std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) != wanted) continue;
    return PercentDecode(pair.substr(std::min(pair.size(), equals + 1)), /*plus_is_space=*/true).value_or("");
  }
  return "";
}

class SignInPages {
 public:
  explicit SignInPages(Service& service) : service_(service), providers_(service.identity_providers()) {}

  void Choose(const HttpRequest& request, HttpResponse& response) const {
    std::string next = SafeNext(request.Query("next").value_or("")), content;
    for (const std::string& name : providers_.SignInNames()) {
      content += "<p><a href=\"/signin/" + Escaped(name) + "?next=" + PercentEncode(next) + "\">Sign in by " + Escaped(name) + "</a></p>\n";
    }
    content += "<form method=\"post\" action=\"/signin\"><input type=\"hidden\" name=\"next\" value=\"" + Escaped(next) +
               "\"><label>Token <input type=\"password\" name=\"token\" autocomplete=\"off\" required></label> <button>Sign in</button></form>\n";
    SetPage(response, 200, "Sign in", content);
  }

  void Depart(const HttpRequest& request, HttpResponse& response) const {
    auto begun = providers_.BeginSignIn(request.Param("issuer"), std::string(request.Query("next").value_or("")));
    if (!begun.ok()) return SetRefusal(response, begun.status());
    response.SetHeader("Set-Cookie", providers_.SetCookie(request, kSignInCookie, begun->binding, CodeFlow::kLifetimeMs / 1000));
    GoTo(response, begun->url);
  }

  void Return(const HttpRequest& request, HttpResponse& response) const {
    auto given = [&](std::string_view name) { return std::string(request.Query(name).value_or("")); };
    CodeAnswer answer{.code = given("code"), .state = given("state"), .issuer = given("iss"), .binding = providers_.CookieOf(request, kSignInCookie)};
    auto signed_in = providers_.FinishSignIn(request.Param("issuer"), answer);
    if (!signed_in.ok()) return Refuse(request, response, signed_in.status());
    Enter(request, response, signed_in->identity, signed_in->next);
  }

  // Login forgery would sign somebody in as another, so this form is one of our own pages', too.
  void EnterByToken(const HttpRequest& request, HttpResponse& response) const {
    if (!IsOwnForm(request)) return SetRefusal(response, PermissionDenied("not a form of ours"));
    auto identity = service_.directory().Authenticate(FormField(request, "token"));
    bool rest = !identity.ok() || identity->scope.Allows(acl::Protocol::kRest);
    if (!rest) identity = PermissionDenied("not a token for this protocol");
    if (!identity.ok()) return Refuse(request, response, identity.status());
    Enter(request, response, *identity, SafeNext(FormField(request, "next")));
  }

  void Leave(const HttpRequest& request, HttpResponse& response) const {
    auto session = providers_.SessionOf(request);
    if (!session) return GoTo(response, "/signin");
    if (!IsOwnForm(request) || FormField(request, "csrf") != session->csrf) return SetRefusal(response, PermissionDenied("not a form of ours"));
    Record(request, session->identity, "sign-out");
    if (FormField(request, "everywhere") == "1") providers_.web_sessions().EndAllOf(session->identity.tenant, session->identity.user);
    providers_.web_sessions().End(providers_.CookieOf(request, kSessionCookie));
    response.SetHeader("Set-Cookie", providers_.SetCookie(request, kSessionCookie, "", 0));
    GoTo(response, "/signin");
  }

  void ShowMe(const HttpRequest& request, HttpResponse& response) const {
    auto caller = Authenticate(service_, request, response, acl::Protocol::kRest);
    if (caller.status().code() == StatusCode::kPermissionDenied) return GoTo(response, "/signin?next=%2Fme");
    if (!caller.ok()) return response.SetError(caller.status());
    auto sources = service_.directory().VisibleSources(caller->viewer);
    if (!sources.ok()) return response.SetError(sources.status());
    std::string content = "<p>You are " + Escaped(caller->viewer.name()) + ", " + Escaped(RoleName(caller->role)) + ".</p>\n";
    for (const std::string& team : caller->teams) content += "<p>Team: " + Escaped(team) + "</p>\n";
    content += "<h2>What you may read</h2>\n<ul>\n";
    for (const acl::VisibleSource& source : *sources) content += "<li>" + Escaped(source.name) + "</li>\n";
    content += "</ul>\n";
    if (auto session = providers_.SessionOf(request)) {
      content += "<form method=\"post\" action=\"/signout\"><input type=\"hidden\" name=\"csrf\" value=\"" + Escaped(session->csrf) +
                 "\"><button>Sign out</button> <label><input type=\"checkbox\" name=\"everywhere\" value=\"1\"> everywhere</label></form>\n";
    }
    SetPage(response, 200, "Signed in", content);
  }

 private:
  bool IsOwnForm(const HttpRequest& request) const {
    return providers_.IsOwnOrigin(request) && request.Header("Content-Type").value_or("").starts_with(kFormType);
  }

  // A new value, whatever the browser came with; what it came with is over.
  void Enter(const HttpRequest& request, HttpResponse& response, const acl::Identity& identity, const std::string& next) const {
    auto value = providers_.web_sessions().Begin(identity);
    if (!value.ok()) return SetRefusal(response, value.status());
    providers_.web_sessions().End(providers_.CookieOf(request, kSessionCookie));
    Record(request, identity, "sign-in");
    response.SetHeader("Set-Cookie", providers_.SetCookie(request, kSessionCookie, *value, WebSessions::kLongestMs / 1000));
    GoTo(response, next);
  }

  void Refuse(const HttpRequest& request, HttpResponse& response, const Status& status) const {
    AuditEvent event{.tenant = {}, .who = "", .what = "sign-in", .result = "refused", .about = {{"why", status.message()}, {"by", "browser"}},
                     .from = request.peer, .request = request.id};
    (void)service_.audit().AppendNoise(event).ok();  // refused all the same
    SetRefusal(response, status);
  }

  void Record(const HttpRequest& request, const acl::Identity& identity, const char* what) const {
    AuditEvent event{.tenant = identity.tenant, .who = acl::UserPrincipal(identity.user), .what = what, .about = {{"by", "browser"}},
                     .from = request.peer, .request = request.id};
    (void)service_.audit().Append(event).ok();  // a full disk does not end reading
  }

  Service& service_;
  IdentityProviders& providers_;
};

}  // namespace

void AddSignInRoutes(HttpServer& server, Service& service) {
  using Page = void (SignInPages::*)(const HttpRequest&, HttpResponse&) const;
  auto add = [&](const char* method, const char* path, Page page) {
    auto handler = [&service, page](const HttpRequest& request, HttpResponse& response) { (SignInPages(service).*page)(request, response); };
    server.Handle(method, path, handler, {.max_body_bytes = kMaxFormBytes, .json_only = false});
  };
  add("GET", "/signin", &SignInPages::Choose);
  add("POST", "/signin", &SignInPages::EnterByToken);
  add("GET", "/signin/:issuer", &SignInPages::Depart);
  add("GET", "/signin/:issuer/callback", &SignInPages::Return);
  add("POST", "/signout", &SignInPages::Leave);
  add("GET", "/me", &SignInPages::ShowMe);
}

}  // namespace codelore::api
