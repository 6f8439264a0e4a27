// Webhook: what a forge sends when something was pushed, read as far as it has to be: who signed it, what it tells of,
// and whether it came before. The body is data to check a signature over, and is not parsed at all: a push means no more
// than "look at the branch again".
//
// Header               GitHub                Gitea, Forgejo            Bitbucket         GitLab
// signature            X-Hub-Signature-256   X-{Gitea,Forgejo}-        X-Hub-Signature   webhook-signature, or the secret
//                      sha256=HEX            Signature: HEX            sha256=HEX        itself in X-Gitlab-Token
// event                X-GitHub-Event        X-{Gitea,Forgejo}-Event   X-Event-Key       X-Gitlab-Event
// HEX is HMAC-SHA256 of the body; webhook-signature is a list of "v1,BASE64" of HMAC-SHA256 of "ID.TIMESTAMP.BODY".
#ifndef CODELORE_API_WEBHOOK_H_
#define CODELORE_API_WEBHOOK_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/ids.h"
#include "codelore/store.h"

namespace codelore::api {

enum class Forge { kGitHub, kGitLab, kGitea, kForgejo, kBitbucket };
enum class WebhookEvent { kPush, kPing, kOther };

// "github", ...
std::optional<Forge> ForgeNamed(std::string_view name);
std::string_view ForgeName(Forge forge);

struct WebhookRequest {
  std::function<std::optional<std::string_view>(std::string_view name)> header;
  std::string_view body;
  int64_t now_unix_s = 0;  // a signed time must be within five minutes of it
};

// Whether one of the secrets signed it. Every secret is tried in full, and comparisons take the same time wherever the
// first difference stands; without a secret nothing is signed, after as much work as with one.
bool IsSigned(Forge forge, const WebhookRequest& request, const std::vector<std::string>& secrets);

WebhookEvent EventOf(Forge forge, const WebhookRequest& request);
// Who may read may be others now: members, teams, visibility, the repository itself.
bool TellsOfAccess(Forge forge, const WebhookRequest& request);

// What makes two deliveries the same: the forge's id of it, and the signature, which no one without the secret can make
// for another body. Empty for what the forge does not send.
std::vector<std::string> DeliveryMarks(Forge forge, const WebhookRequest& request);

// Deliveries that were seen, in Table::kJobs: "delivery/", source, hash of the mark -> Unix milliseconds.
Result<bool> WasDelivered(const KeyValueStore& store, SourceId source, const std::vector<std::string>& marks);
void RememberDelivery(SourceId source, const std::vector<std::string>& marks, int64_t now_unix_ms, WriteBatch& batch);
// Forgets those of before `since_unix_ms`, and the oldest beyond a bounded number.
Status ForgetDeliveries(KeyValueStore& store, SourceId source, int64_t since_unix_ms);
// All of a source that is no more.
Status ForgetAllDeliveries(KeyValueStore& store, SourceId source);

}  // namespace codelore::api

#endif  // CODELORE_API_WEBHOOK_H_
