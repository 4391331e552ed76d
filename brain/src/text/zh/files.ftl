## Directories, copies, the list of files

