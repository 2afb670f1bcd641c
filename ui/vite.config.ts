import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// Everything is a file of its own name: the Content-Security-Policy takes no inline script, and a name that changes with the content
// may be kept for ever.
export default defineConfig({
  base: './',
  plugins: [react()],
  build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false, chunkSizeWarningLimit: 1000 },
})
