#include "cli/cli.h"

int main(int argc, char** argv) { return codelore::cli::Main(argc, argv); }
