// sentencepiece.bpe.model: google's ModelProto, of which four fields of two messages matter.
#include <optional>

#include "codelore/coding.h"
#include "embed/unigram.h"

namespace codelore::embed {

namespace {

constexpr size_t kMaxFileBytes = 64 << 20;
constexpr uint32_t kSpecials = 3;  // pieces that XLM-RoBERTa numbers otherwise: <unk>, <s>, </s>

// One field of a message (protobuf's encoding: tag, then a varint, 4, 8 or a counted number of
// bytes).
struct Field {
  uint64_t number = 0;
  uint64_t value = 0;           // of a varint or fixed one
  std::string_view bytes = {};  // of a counted one
  enum { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 } type = kVarint;
};

class Message {
 public:
  Message(std::string where, std::string_view bytes)
      : where_(std::move(where)), size_(bytes.size()), reader_(bytes) {}

  bool done() const { return reader_.done(); }
  const std::string& where() const { return where_; }

  Result<Field> Next() {
    Field field;
    const uint64_t tag = reader_.Varint();
    field.number = tag >> 3;
    switch (tag & 7) {
      case Field::kVarint:
        field.value = reader_.Varint();
        break;
      case Field::kFixed64:
        field.value = reader_.Fixed<uint64_t>();
        break;
      case Field::kBytes:
        field.bytes = reader_.String();
        break;
      case Field::kFixed32:
        field.value = reader_.Fixed<uint32_t>();
        break;
      default:
        return Corruption(where_ + ": expected a field, found one of type " +
                          std::to_string(tag & 7));
    }
    field.type = static_cast<decltype(field.type)>(tag & 7);
    if (reader_.ok() && field.number != 0) return field;
    return Corruption(where_ + ": expected " + std::to_string(size_) +
                      " bytes of whole fields, found part of one: is it cut off?");
  }
  Status Expect(const Field& field, int type, std::string_view name) const {
    if (field.type == type) return OkStatus();
    return Corruption(where_ + ": " + std::string(name) + ": expected wire type " +
                      std::to_string(type) + ", found " + std::to_string(field.type));
  }

 private:
  const std::string where_;
  const size_t size_;
  ByteReader reader_;
};

enum PieceType : uint64_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6
};

struct Piece {
  std::string text;
  float score = 0;
  uint64_t type = kNormal;
};

Result<Piece> ReadPiece(Message message) {
  Piece piece;
  while (!message.done()) {
    ASSIGN_OR_RETURN(Field field, message.Next());
    if (field.number == 1) {
      RETURN_IF_ERROR(message.Expect(field, Field::kBytes, "piece"));
      piece.text = field.bytes;
    } else if (field.number == 2) {
      RETURN_IF_ERROR(message.Expect(field, Field::kFixed32, "score"));
      piece.score = std::bit_cast<float>(static_cast<uint32_t>(field.value));
    } else if (field.number == 3) {
      RETURN_IF_ERROR(message.Expect(field, Field::kVarint, "type"));
      piece.type = field.value;
    }
  }
  if (piece.type >= kNormal && piece.type <= kUnused && piece.type != kUserDefined) return piece;
  return InvalidArgument(
      message.where() + ": type: expected a normal, unknown, control or unused piece, found type " +
      std::to_string(piece.type));
}

Status ReadTrainer(Message message) {
  while (!message.done()) {
    ASSIGN_OR_RETURN(Field field, message.Next());
    const bool unigram = field.number != 3 || field.value == 1;
    const bool plain = (field.number != 24 && field.number != 35) ||
                       field.value == 0;  // suffix marks, byte fallback
    if (!unigram || !plain) {
      return InvalidArgument(
          message.where() + ": expected a unigram model without byte fallback, found another kind");
    }
  }
  return OkStatus();
}

Status ReadNormalizer(Message message, UnigramModel* model) {
  while (!message.done()) {
    ASSIGN_OR_RETURN(Field field, message.Next());
    bool* flags[] = {&model->add_dummy_prefix, &model->remove_extra_whitespaces,
                     &model->escape_whitespaces};
    if (field.number == 2) {
      RETURN_IF_ERROR(message.Expect(field, Field::kBytes, "precompiled_charsmap"));
      auto map = CharsMap::Parse(field.bytes);
      if (!map.ok()) return map.status().In(message.where() + ": precompiled_charsmap");
      model->map = std::move(map).value();
    } else if (field.number >= 3 && field.number <= 5) {
      RETURN_IF_ERROR(message.Expect(field, Field::kVarint, "a flag"));
      *flags[field.number - 3] = field.value != 0;
    }
  }
  return OkStatus();
}

// <s> 0, <pad> 1, </s> 2, <unk> 3, the pieces from the fourth on, <mask> (fairseq's numbering).
Status Number(const std::string& file, std::vector<Piece>& pieces, UnigramModel* model) {
  constexpr std::string_view kFirst[kSpecials] = {"<unk>", "<s>", "</s>"};
  constexpr uint64_t kTypes[kSpecials] = {kUnknown, kControl, kControl};
  for (size_t i = 0; i < kSpecials; ++i) {
    if (pieces.size() > i && pieces[i].text == kFirst[i] && pieces[i].type == kTypes[i]) continue;
    return InvalidArgument(file + ": piece " + std::to_string(i) + ": expected " +
                           std::string(kFirst[i]) + " as XLM-RoBERTa has it, found another");
  }
  model->special = {.first = 0, .last = 2, .unknown = 3, .padding = 1};
  for (const char* name : {"<s>", "<pad>", "</s>", "<unk>"}) {
    model->added.push_back({.text = name, .id = static_cast<uint32_t>(model->pieces.size())});
    model->pieces.push_back({.text = name, .in_text = false, .sets_least = false});
  }
  for (size_t i = kSpecials; i < pieces.size(); ++i) {
    const bool normal = pieces[i].type == kNormal;
    model->pieces.push_back({.text = std::move(pieces[i].text),
                             .score = pieces[i].score,
                             .in_text = normal,
                             .sets_least = normal});
  }
  model->added.push_back({.text = "<mask>",
                          .id = static_cast<uint32_t>(model->pieces.size()),
                          .takes_space_before = true});
  model->pieces.push_back({.text = "<mask>", .in_text = false, .sets_least = false});
  return OkStatus();
}

}  // namespace

Result<UnigramModel> ReadSentencePieceModel(std::string_view file, std::string_view bytes) {
  const std::string name(file);
  if (bytes.size() > kMaxFileBytes) {
    return Corruption(name + ": expected at most 64 MiB, found " + std::to_string(bytes.size()) +
                      " bytes");
  }
  UnigramModel model = {.flavour = UnigramModel::Flavour::kSentencePiece};
  std::vector<Piece> pieces;
  for (Message message(name, bytes); !message.done();) {
    ASSIGN_OR_RETURN(Field field, message.Next());
    if (field.number < 1 || field.number > 3) continue;
    RETURN_IF_ERROR(message.Expect(field, Field::kBytes, "a message"));
    if (field.number == 1) {
      ASSIGN_OR_RETURN(Piece piece,
                       ReadPiece({name + ": piece " + std::to_string(pieces.size()), field.bytes}));
      pieces.push_back(std::move(piece));
    } else if (field.number == 2) {
      RETURN_IF_ERROR(ReadTrainer({name + ": trainer_spec", field.bytes}));
    } else {
      RETURN_IF_ERROR(ReadNormalizer({name + ": normalizer_spec", field.bytes}, &model));
    }
  }
  RETURN_IF_ERROR(Number(name, pieces, &model));
  return model;
}

}  // namespace codelore::embed
