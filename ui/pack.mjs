// Packs dist/ into the archive that the server embeds. The same sources give the same bytes on any machine: names are sorted, times are
// fixed, and fflate deflates, whatever the zlib of this Node is.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { zipSync } from 'fflate'

const files = readdirSync('dist', { recursive: true, withFileTypes: true })
  .filter((f) => f.isFile())
  .map((f) => `${f.parentPath}/${f.name}`.replaceAll('\\', '/').replace(/^dist\//, ''))
  .sort()
const entries = Object.fromEntries(files.map((name) => [name, new Uint8Array(readFileSync(`dist/${name}`))]))
const archive = zipSync(entries, { level: 9, mem: 12, mtime: new Date(1980, 0, 1) })
writeFileSync('../console/console.zip', archive)
console.log(`console.zip: ${files.length} files, ${archive.length} bytes`)
