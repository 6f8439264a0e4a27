// The one routine of the Fortran runtime that LAPACK, as FAISS draws it in, needs: A // B. With it here, neither
// libgfortran nor libquadmath is linked. Lengths are size_t in gfortran's calling convention since GCC 8.
#include <stddef.h>
#include <string.h>

// Writes `first` and `second` into `out`, cut off or padded with blanks to its length.
void _gfortran_concat_string(size_t out_length, char *out, size_t first_length, const char *first, size_t second_length,
                             const char *second) {
  if (first_length > out_length) first_length = out_length;
  memcpy(out, first, first_length);
  out += first_length;
  out_length -= first_length;
  if (second_length > out_length) second_length = out_length;
  memcpy(out, second, second_length);
  memset(out + second_length, ' ', out_length - second_length);
}
