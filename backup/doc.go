// Package backup copies a data folder into one file while the program runs, and makes a data folder of such a file.
//
// A backup is a gzip-compressed tar archive: a manifest, the embedded databases, the package files, and the key file where that is asked
// for. All of it is of one moment: writers wait while the package files are linked aside, not while they are copied. The archive is
// there whole or not at all. What belongs to others, as the simulated VIMs do, is not in it. It knows nothing of what is in the databases.
package backup
