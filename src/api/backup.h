// Backups: a folder with everything a data folder holds, but for mirrors of repositories, which are fetched again.
//
//   store/*, store.generation, segments/*   as in a data folder
//   BACKUP                                  its manifest, written last
//
// The manifest, lines of text: "codelore backup 1"; "SHA-256 SIZE PATH" of every file, by path; "end SHA-256", of all lines
// above. A file that is missing, cut, altered, added or of another backup does not agree with it.
#ifndef CODELORE_API_BACKUP_H_
#define CODELORE_API_BACKUP_H_

#include <cstdint>
#include <string>

#include "api/service.h"

namespace codelore::api {

struct BackupReport {
  uint64_t files = 0, bytes = 0;
  uint64_t linked_files = 0, linked_bytes = 0;  // of these: what the backup before has already
};

struct BackupOptions {
  std::string folder;
  // A backup whose files that are equal still get a second name in the new one instead of being copied, after both were read
  // and summed: what was damaged there is copied anew. Empty: none. Both are whole by themselves, and either may be removed.
  std::string incremental_from = {};
};

// Copies the state of one moment to `folder`, which must not exist and does not until all of it is on disk. Writers wait only
// while files are linked. kUnavailable while another backup is being made.
Result<BackupReport> BackUp(const Service& service, const BackupOptions& options);

// What a backup that was cut off has left in the data folder.
void RemoveBackupLinks(const std::string& data_folder);

// Makes a data folder of a backup. All of it is verified before anything is written; `data_folder` must not exist, or be
// empty. kCorruption names the first file that does not agree.
Result<BackupReport> Restore(const std::string& backup_folder, const std::string& data_folder);

}  // namespace codelore::api

#endif  // CODELORE_API_BACKUP_H_
