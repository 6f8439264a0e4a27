#include "api/http/problem.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace codelore::api {
namespace {

TEST(ProblemTest, ShowsWhatIsAboutTheRequestAndHidesTheRest) {
  struct Row {
    Status status;
    int http_status;
    bool shown;
  };
  for (const Row& row :
       {Row{InvalidArgument("text"), 400, true}, Row{NotFound("text"), 404, true},
        Row{PermissionDenied("text"), 403, true}, Row{Unavailable("text"), 503, false},
        Row{ResourceExhausted("text"), 429, false}, Row{Corruption("text"), 500, false},
        Row{Internal("text"), 500, false}}) {
    Problem problem = ProblemOf(row.status);
    EXPECT_EQ(problem.http_status, row.http_status);
    EXPECT_EQ(HttpStatusOf(row.status.code()), row.http_status);
    EXPECT_EQ(problem.detail.find("text") != std::string::npos, row.shown) << problem.detail;
    EXPECT_EQ(problem.log.find("text") != std::string::npos, !row.shown) << problem.log;
  }
}

TEST(ProblemTest, ComesBackAsTheSameCode) {
  for (StatusCode code :
       {StatusCode::kInvalidArgument, StatusCode::kNotFound, StatusCode::kPermissionDenied,
        StatusCode::kUnavailable, StatusCode::kResourceExhausted, StatusCode::kInternal}) {
    EXPECT_EQ(StatusCodeOf(HttpStatusOf(code)), code);
  }
  EXPECT_EQ(StatusCodeOf(204), StatusCode::kOk);
  EXPECT_EQ(StatusCodeOf(401), StatusCode::kPermissionDenied);
  EXPECT_EQ(StatusCodeOf(415), StatusCode::kInvalidArgument);
  EXPECT_EQ(StatusCodeOf(502), StatusCode::kUnavailable);
  EXPECT_EQ(StatusCodeOf(302), StatusCode::kInternal);
}

TEST(ProblemTest, IsValidJsonWhateverTheDetailHolds) {
  std::string detail = std::string("\"\\\n\x01\x7F</script>\0", 16) + "\xED\x95\x9C \xFF\xC0\xAF";
  auto json = nlohmann::json::parse(ProblemJson({.http_status = 404, .detail = detail}, "id"));
  EXPECT_EQ(json["detail"], std::string("\"\\\n\x01\x7F</script>\0", 16) + "한 \uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(json["status"], 404);
  EXPECT_EQ(json["type"], "urn:codelore:problem:not-found");
  EXPECT_EQ(json["title"], "Not Found");
  EXPECT_EQ(json["request_id"], "id");
  EXPECT_EQ(json.size(), 5u);
}

}  // namespace
}  // namespace codelore::api
