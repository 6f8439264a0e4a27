#include "embed/pickle.h"

#include <algorithm>
#include <initializer_list>
#include <span>
#include <unordered_map>
#include <utility>

#include "codelore/coding.h"
#include "codelore/utf8.h"

namespace codelore::embed {

namespace {

constexpr size_t kMaxStack = 1 << 16, kMaxTensors = 1 << 16, kMaxDimensions = 8;

// The names that may occur; every other is refused where it is read.
constexpr std::string_view kOrderedDict = "collections.OrderedDict",
                           kRebuildTensor = "torch._utils._rebuild_tensor_v2",
                           kRebuildParameter = "torch._utils._rebuild_parameter";
constexpr std::string_view kStorages[] = {
    "torch.FloatStorage", "torch.HalfStorage", "torch.BFloat16Storage", "torch.DoubleStorage",
    "torch.LongStorage",  "torch.IntStorage",  "torch.ShortStorage",    "torch.CharStorage",
    "torch.ByteStorage",  "torch.BoolStorage",
};

enum class Kind : uint8_t {
  kMark,
  kNone,
  kBool,
  kNumber,
  kText,
  kName,        // text: one of the above
  kTuple,       // number: the index of its first element; count
  kDictionary,  // number: its index
  kStorage,     // number: its index
  kTensor,      // number: its index
};
constexpr std::string_view kKindNames[] = {"a mark",    "None",    "a truth value", "a number",
                                           "a text",    "a name",  "a tuple",       "a dictionary",
                                           "a storage", "a tensor"};

struct Value {
  Kind kind = Kind::kNone;
  uint32_t count = 0;
  int64_t number = 0;
  std::string_view text = {};
};

std::string KindName(const Value& value) {
  return std::string(kKindNames[static_cast<size_t>(value.kind)]);
}

// A text of the file as a message may show it.
std::string Shown(std::string_view text) {
  if (!IsValidUtf8(text)) return "?";
  std::string shown(Utf8Prefix(text, 120));
  for (char& c : shown) c = static_cast<uint8_t>(c) < 0x20 || c == 0x7F ? ' ' : c;
  return shown;
}

class Machine {
 public:
  explicit Machine(std::string_view pickle) : size_(pickle.size()), rest_(pickle) {}

  Result<std::vector<PickledTensor>> Run() {
    while (!stopped_) {
      at_ = size_ - rest_.size();
      const auto opcode = Number<uint8_t>();
      RETURN_IF_ERROR(Step(opcode));
      if (short_) return Fail("expected more, found the end");
      if (stack_.size() > kMaxStack)
        return Fail("expected at most 65536 values on the stack, found more");
    }
    if (!rest_.empty()) return Fail("expected the end, found more");
    return Tensors();
  }

 private:
  Status Fail(const std::string& problem) const {
    return Corruption("byte " + std::to_string(at_) + ": " + problem);
  }

  // ---- operands ----
  std::string_view Bytes(size_t size) {
    if (size > rest_.size()) {
      short_ = true;
      return {};
    }
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  template <typename T>
  T Number() {
    return ByteReader(Bytes(sizeof(T))).Fixed<T>();
  }
  std::string_view Line() {
    const size_t end = rest_.find('\n');
    const std::string_view line = Bytes(end == std::string_view::npos ? SIZE_MAX : end + 1);
    return line.substr(0, line.empty() ? 0 : line.size() - 1);
  }
  // Little-endian two's complement of up to 8 bytes.
  Status Long() {
    const std::string_view bytes = Bytes(Number<uint8_t>());
    if (bytes.size() > 8) return Fail("expected a number of at most 8 bytes, found more");
    uint64_t value = !bytes.empty() && (bytes.back() & 0x80) != 0 ? UINT64_MAX : 0;
    for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
    Push({Kind::kNumber, 0, static_cast<int64_t>(value)});
    return OkStatus();
  }

  // ---- the stack ----
  void Push(Value value) { stack_.push_back(value); }
  // Fails for an empty stack and for a mark.
  Status Pop(Value* value) {
    if (stack_.empty() || stack_.back().kind == Kind::kMark)
      return Fail("expected a value on the stack, found none");
    *value = stack_.back();
    stack_.pop_back();
    return OkStatus();
  }
  // Where the values above the last mark start; the mark is taken off.
  Result<size_t> PopMark() {
    for (size_t i = stack_.size(); i-- > 0;) {
      if (stack_[i].kind != Kind::kMark) continue;
      stack_.erase(stack_.begin() + static_cast<ptrdiff_t>(i));
      return i;
    }
    return Fail("expected a mark on the stack, found none");
  }
  Status MakeTuple(size_t first) {
    const Value tuple = {Kind::kTuple, static_cast<uint32_t>(stack_.size() - first),
                         static_cast<int64_t>(elements_.size())};
    elements_.insert(elements_.end(), stack_.begin() + static_cast<ptrdiff_t>(first), stack_.end());
    stack_.resize(first);
    Push(tuple);
    return OkStatus();
  }
  Status TupleOf(size_t count) {
    if (stack_.size() < count ||
        std::any_of(stack_.end() - static_cast<ptrdiff_t>(count), stack_.end(),
                    [](const Value& v) { return v.kind == Kind::kMark; })) {
      return Fail("expected " + std::to_string(count) + " values on the stack, found fewer");
    }
    return MakeTuple(stack_.size() - count);
  }
  void PushDictionary() {
    Push({Kind::kDictionary, 0, static_cast<int64_t>(dictionaries_.size())});
    dictionaries_.emplace_back();
  }
  std::span<const Value> Elements(const Value& tuple) const {
    return std::span(elements_).subspan(static_cast<size_t>(tuple.number), tuple.count);
  }
  Status Expect(const Value& value, Kind kind, std::string_view what) const {
    if (value.kind == kind) return OkStatus();
    return Fail("expected " + std::string(kKindNames[static_cast<size_t>(kind)]) + " as " +
                std::string(what) + ", found " + KindName(value));
  }

  // ---- opcodes ----
  Status Step(uint8_t opcode) {
    switch (opcode) {
      case 0x80:
        return Protocol(Number<uint8_t>());
      case '.':
        stopped_ = true;
        return OkStatus();
      case 'c':
        return Name();
      case '(':
        Push({Kind::kMark});
        return OkStatus();
      case ')':
        Push({Kind::kTuple, 0, static_cast<int64_t>(elements_.size())});
        return OkStatus();
      case 't': {
        ASSIGN_OR_RETURN(const size_t first, PopMark());
        return MakeTuple(first);
      }
      case 0x85:
        return TupleOf(1);
      case 0x86:
        return TupleOf(2);
      case 0x87:
        return TupleOf(3);
      case '}':
        PushDictionary();
        return OkStatus();
      case 'N':
        Push({Kind::kNone});
        return OkStatus();
      case 0x88:
        Push({Kind::kBool, 0, 1});
        return OkStatus();
      case 0x89:
        Push({Kind::kBool, 0, 0});
        return OkStatus();
      case 'K':
        Push({Kind::kNumber, 0, Number<uint8_t>()});
        return OkStatus();
      case 'M':
        Push({Kind::kNumber, 0, Number<uint16_t>()});
        return OkStatus();
      case 'J':
        Push({Kind::kNumber, 0, Number<int32_t>()});
        return OkStatus();
      case 0x8A:
        return Long();
      case 'X':
        Push({Kind::kText, 0, 0, Bytes(Number<uint32_t>())});
        return OkStatus();
      case 'q':
        return Remember(Number<uint8_t>());
      case 'r':
        return Remember(Number<uint32_t>());
      case 'h':
        return Recall(Number<uint8_t>());
      case 'j':
        return Recall(Number<uint32_t>());
      case 's':
        return SetItems(stack_.size() < 2 ? 0 : stack_.size() - 2);
      case 'u': {
        ASSIGN_OR_RETURN(const size_t first, PopMark());
        return SetItems(first);
      }
      case 'Q':
        return Storage();
      case 'R':
        return Call();
      case 'b':
        return Build();
      default:
        return Unknown(opcode);
    }
  }

  Status Unknown(uint8_t opcode) const {
    if (short_) return OkStatus();  // the caller says so
    constexpr char kDigits[] = "0123456789abcdef";
    return Fail(std::string("expected an opcode that tensors need, found 0x") +
                kDigits[opcode >> 4] + kDigits[opcode & 15]);
  }

  Status Protocol(uint8_t version) const {
    if (version == 2) return OkStatus();
    return Fail("expected pickle protocol 2, found " + std::to_string(version));
  }

  Status Name() {
    const std::string_view module = Line(), name = Line();
    const std::string full = std::string(module) + "." + std::string(name);
    for (std::string_view known : {kOrderedDict, kRebuildTensor, kRebuildParameter}) {
      if (full == known) return Push({Kind::kName, 0, 0, known}), OkStatus();
    }
    for (std::string_view known : kStorages) {
      if (full == known) return Push({Kind::kName, 0, 0, known}), OkStatus();
    }
    if (short_) return OkStatus();
    return Fail("expected a name that tensors need, found " + Shown(full));
  }

  Status Remember(uint32_t slot) {
    Value value;
    RETURN_IF_ERROR(Pop(&value));
    Push(value);
    memory_[slot] = value;
    return OkStatus();
  }

  Status Recall(uint32_t slot) {
    const auto found = memory_.find(slot);
    if (found == memory_.end())
      return Fail("expected something remembered as " + std::to_string(slot) + ", found nothing");
    Push(found->second);
    return OkStatus();
  }

  // Key and value, key and value from `first` on go into the dictionary below.
  Status SetItems(size_t first) {
    if (first == 0 || first > stack_.size() || (stack_.size() - first) % 2 != 0) {
      return Fail("expected keys with values above a dictionary, found fewer");
    }
    RETURN_IF_ERROR(Expect(stack_[first - 1], Kind::kDictionary, "what items are put into"));
    auto& items = dictionaries_[static_cast<size_t>(stack_[first - 1].number)];
    for (size_t i = first; i < stack_.size(); i += 2) {
      RETURN_IF_ERROR(Expect(stack_[i], Kind::kText, "a key"));
      if (stack_[i + 1].kind == Kind::kMark) return Fail("expected a value, found a mark");
      items.emplace_back(stack_[i].text, stack_[i + 1]);
    }
    stack_.resize(first);
    return OkStatus();
  }

  // ("storage", its type, its key, device, number of elements): the only thing kept outside of the
  // pickle.
  Status Storage() {
    Value id;
    RETURN_IF_ERROR(Pop(&id));
    RETURN_IF_ERROR(Expect(id, Kind::kTuple, "a storage's id"));
    const std::span<const Value> parts = Elements(id);
    if (parts.size() != 5 || parts[0].kind != Kind::kText || parts[0].text != "storage" ||
        parts[1].kind != Kind::kName ||
        std::ranges::find(kStorages, parts[1].text) == std::end(kStorages) ||
        parts[2].kind != Kind::kText || parts[3].kind != Kind::kText ||
        parts[4].kind != Kind::kNumber || parts[4].number < 0) {
      return Fail("expected a storage's type, key, device and size, found something else");
    }
    Push({Kind::kStorage, 0, static_cast<int64_t>(storages_.size())});
    storages_.push_back({.storage_type = parts[1].text,
                         .storage_key = parts[2].text,
                         .storage_size = static_cast<uint64_t>(parts[4].number)});
    return OkStatus();
  }

  Status Call() {
    Value arguments, name;
    RETURN_IF_ERROR(Pop(&arguments));
    RETURN_IF_ERROR(Pop(&name));
    RETURN_IF_ERROR(Expect(name, Kind::kName, "what is called"));
    RETURN_IF_ERROR(Expect(arguments, Kind::kTuple, "arguments"));
    const std::span<const Value> list = Elements(arguments);
    if (name.text == kRebuildTensor) return MakeTensor(list);
    if (name.text == kOrderedDict && list.empty()) return PushDictionary(), OkStatus();
    if (name.text == kRebuildParameter && !list.empty() && list[0].kind == Kind::kTensor) {
      Push(Value(list[0]));
      return OkStatus();
    }
    return Fail("expected the arguments of " + std::string(name.text) + ", found others");
  }

  // (storage, offset, shape, strides, whether it has gradients, hooks)
  Status MakeTensor(std::span<const Value> list) {
    if (list.size() < 6 || list.size() > 7)
      return Fail("expected the 6 parts of a tensor, found " + std::to_string(list.size()));
    RETURN_IF_ERROR(Expect(list[0], Kind::kStorage, "a tensor's storage"));
    RETURN_IF_ERROR(Expect(list[1], Kind::kNumber, "a tensor's offset"));
    RETURN_IF_ERROR(Expect(list[2], Kind::kTuple, "a tensor's shape"));
    RETURN_IF_ERROR(Expect(list[3], Kind::kTuple, "a tensor's strides"));
    if (tensors_.size() == kMaxTensors) return Fail("expected at most 65536 tensors, found more");
    PickledTensor tensor = storages_[static_cast<size_t>(list[0].number)];
    RETURN_IF_ERROR(Count(list[1], &tensor.offset));
    RETURN_IF_ERROR(Counts(list[2], &tensor.shape));
    RETURN_IF_ERROR(Counts(list[3], &tensor.strides));
    if (tensor.shape.size() != tensor.strides.size())
      return Fail("expected a stride for each dimension, found another number");
    Push({Kind::kTensor, 0, static_cast<int64_t>(tensors_.size())});
    tensors_.push_back(std::move(tensor));
    return OkStatus();
  }

  Status Count(const Value& value, uint64_t* count) const {
    RETURN_IF_ERROR(Expect(value, Kind::kNumber, "a count"));
    if (value.number < 0) return Fail("expected a count, found " + std::to_string(value.number));
    *count = static_cast<uint64_t>(value.number);
    return OkStatus();
  }

  Status Counts(const Value& tuple, std::vector<uint64_t>* counts) const {
    if (tuple.count > kMaxDimensions)
      return Fail("expected at most 8 dimensions, found " + std::to_string(tuple.count));
    for (const Value& value : Elements(tuple))
      RETURN_IF_ERROR(Count(value, &counts->emplace_back()));
    return OkStatus();
  }

  // Attributes of the dictionary (versions of modules) say nothing about tensors.
  Status Build() {
    Value state, object;
    RETURN_IF_ERROR(Pop(&state));
    RETURN_IF_ERROR(Expect(state, Kind::kDictionary, "attributes"));
    RETURN_IF_ERROR(Pop(&object));
    RETURN_IF_ERROR(Expect(object, Kind::kDictionary, "what has attributes"));
    Push(object);
    return OkStatus();
  }

  Result<std::vector<PickledTensor>> Tensors() const {
    if (stack_.size() != 1 || stack_[0].kind != Kind::kDictionary) {
      return Fail("expected a dictionary of tensors, found something else");
    }
    std::vector<PickledTensor> result;
    for (const auto& [name, value] : dictionaries_[static_cast<size_t>(stack_[0].number)]) {
      if (value.kind != Kind::kTensor)
        return Corruption(Shown(name) + ": expected a tensor, found " + KindName(value));
      if (!IsValidUtf8(name)) return Fail("expected names in UTF-8, found others");
      if (result.size() == kMaxTensors) return Fail("expected at most 65536 tensors, found more");
      result.push_back(tensors_[static_cast<size_t>(value.number)]);
      result.back().name = name;
    }
    return result;
  }

  const size_t size_;
  std::string_view rest_;
  size_t at_ = 0;  // of the opcode at work
  bool short_ = false, stopped_ = false;
  std::vector<Value> stack_, elements_;
  std::unordered_map<uint32_t, Value> memory_;
  std::vector<std::vector<std::pair<std::string_view, Value>>> dictionaries_;
  std::vector<PickledTensor> storages_, tensors_;
};

}  // namespace

Result<std::vector<PickledTensor>> ReadTensorPickle(std::string_view pickle) {
  if (pickle.size() > kMaxPickleBytes) {
    return Corruption("expected at most 1 MiB, found " + std::to_string(pickle.size()) + " bytes");
  }
  return Machine(pickle).Run();
}

}  // namespace codelore::embed
