// Arguments: what the command line says, as it was typed. Each command takes what it needs.
#ifndef CODELORE_CLI_ARGUMENTS_H_
#define CODELORE_CLI_ARGUMENTS_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "api/eval.h"
#include "api/eval_answers.h"
#include "cli/backend.h"

namespace codelore::cli {

struct Arguments {
  BackendOptions backend;
  bool data_given = false;  // --data, its variable or the configuration file
  bool json = false;
  std::string text, location, name, source;
  std::vector<std::string> branches, tags;  // of a source
  std::string branch;  // to look at
  std::string link, expires, document_path;  // of a document
  std::string poll, token_file, webhook_secret_file;  // of a source
  std::vector<std::string> sources, paths, languages;
  std::string mode = "hybrid", syntax = "auto";
  uint32_t limit = 10, offset = 0, per_file = 1, rescore = 0;
  bool explain = false;
  std::vector<std::string> kinds;  // of symbols or references
  uint32_t symbol_limit = 50;
  bool prefix = false, callers = false;
  bool regex = false, count = false;
  std::string fold = "smart";
  uint32_t context = 0, max_lines = 100;
  std::string host = "127.0.0.1";
  int port = 8080;
  std::vector<std::string> allowed_hosts;
  std::string generator, adapter;       // the ones to use
  float scale = 1;                      // of an adapter
  std::string sha256;                   // likewise
  int threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  std::string user;
  std::vector<std::string> teams;
  bool everyone = false, administrator = false;
  uint32_t expires_in_days = 0, token_id = 0, overlap_hours = 24;
  std::string role = "member", kind = "person", new_role, team, codeowners;
  bool disable = false, enable = false, from_repository = false;
  std::vector<std::string> protocols;
  std::vector<std::string> oidc, trusted_proxies;
  std::string proxy_user_header, proxy_tenant;
  std::string public_url;
  std::string tls_certificate, tls_key, tls_client_ca, tls_client_user = "cn", tls_client_tenant;
  bool tls_client_required = false;
  std::string rule_path, since;
  std::string session;  // its id
  uint32_t cached_answers = 0;
  uint32_t user_rate = 600, tenant_rate = 6000, user_streams = 8, tenant_streams = 100;  // see api::QuotaLimits
  uint64_t user_tokens = 0, tenant_tokens = 0, tenant_index_bytes = 0;
  std::string mirror, forge_url, forge_repository, forge_token_file, mirror_interval, mirror_limit, public_is;  // see api::MirrorSettings
  std::vector<std::string> mappings;
  api::EvalOptions eval;
  api::AnswerEvalOptions answer_eval;
};

}  // namespace codelore::cli

#endif  // CODELORE_CLI_ARGUMENTS_H_
