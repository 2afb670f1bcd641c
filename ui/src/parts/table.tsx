import type { ReactNode } from 'react'

/** A table that scrolls within itself where it is too wide, not the page. Its rows are plain elements: there are hundreds. */
export function Grid({ label, width, stale, head, children }: { label: string; width: number; stale?: boolean; head: ReactNode; children: ReactNode }) {
  return (
    <div className="grid-box" tabIndex={0} role="region" aria-label={label}>
      <table className="grid" aria-label={label} aria-busy={stale} style={{ minWidth: width, opacity: stale ? 0.6 : 1 }}>
        <thead>
          <tr>{head}</tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}

/** A table of plain rows. */
export function Rows({ label, head, rows, empty }: { label: string; head: string[]; rows: ReactNode[][]; empty?: string }) {
  if (rows.length === 0 && empty) return <p className="dim">{empty}</p>
  return (
    <Grid label={label} width={head.length > 2 ? 480 : 0} head={head.map((h, i) => <th key={i}>{h || <span className="hidden">Actions</span>}</th>)}>
      {rows.map((cells, i) => (
        <tr key={i}>
          {cells.map((c, j) => (
            <td key={j}>{c}</td>
          ))}
        </tr>
      ))}
    </Grid>
  )
}
