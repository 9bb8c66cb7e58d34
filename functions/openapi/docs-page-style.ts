/**
 * The stylesheet of the API page: light and dark, from the width of a phone up. A string, so that a bundle contains it.
 */
export const docsPageCss = `:root {
  color-scheme: light dark;
  --background: light-dark(#fff, #14171c);
  --raised: light-dark(#f4f5f7, #1d2129);
  --line: light-dark(#d9dce1, #343a45);
  --text: light-dark(#1b1f26, #e4e7ec);
  --faint: light-dark(#545c69, #a3acba);
  --link: light-dark(#0b57c2, #82b4ff);
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body {
  margin: 0; background: var(--background); color: var(--text);
  font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere;
}
a { color: var(--link); }
a:focus-visible, pre:focus-visible, .wide:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
nav { padding: 1rem; border-bottom: 1px solid var(--line); background: var(--raised); }
nav ul { margin: 0; padding: 0; list-style: none; columns: 14rem; }
nav a { display: block; padding: .25rem 0; text-decoration: none; }
nav a:hover { text-decoration: underline; }
nav h2 { margin: .75rem 0 .25rem; font-size: .85rem; color: var(--faint); }
.home { font-weight: 600; }
main { max-width: 56rem; padding: 1rem; }
h1 { margin: .5rem 0 1rem; font-size: 1.75rem; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.35rem; }
h3 { margin: 0 0 .5rem; font-size: 1.05rem; }
h4 { margin: 1rem 0 0; font-size: .95rem; }
p { margin: .4rem 0; }
section { margin: 1rem 0; padding: 1rem; border: 1px solid var(--line); border-radius: .5rem; }
code, pre { font: .875rem/1.5 ui-monospace, monospace; }
pre { margin: .5rem 0; padding: .75rem; border-radius: .375rem; background: var(--raised); overflow-x: auto; overflow-wrap: normal; }
dt { font-weight: 600; }
dd { margin: 0 0 .5rem; }
.type { color: var(--faint); font-size: .875rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .925rem; }
th, td { padding: .375rem .75rem .375rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; overflow-wrap: normal; }
th { color: var(--faint); font-weight: 600; }
summary { padding: .375rem 0; cursor: pointer; }
.method {
  display: inline-block; min-width: 4.25em; padding: 0 .375em; border-radius: .25rem; text-align: center;
  font: 600 .75rem/1.6 ui-monospace, monospace; color: #fff; background: #4b5563;
}
.get { background: #1d5fb8; }
.post { background: #17703a; }
.put, .patch { background: #8a5200; }
.delete { background: #b3261e; }
@media (min-width: 64rem) {
  body { display: grid; grid-template-columns: 17rem minmax(0, 1fr); }
  nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; border-bottom: 0; border-right: 1px solid var(--line); }
  nav ul { columns: auto; }
  main { padding: 1rem 2rem 4rem; }
}
@media print { nav { display: none; } body { display: block; } }
`
