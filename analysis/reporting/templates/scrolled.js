"use strict";
{
  // What is wider or higher than its place has the focus in its turn, so that keys move it, too.
  const PLACES = ".wide, .line, .math, .table-wrapper, pre, .essay table, .essay div:has(> math)";

  function reachable() {
    for (const place of document.querySelectorAll(PLACES)) {
      const fits = place.scrollWidth <= place.clientWidth && place.scrollHeight <= place.clientHeight;
      if (fits) place.removeAttribute("tabindex");
      else place.tabIndex = 0;
    }
  }
  addEventListener("load", reachable);
  addEventListener("resize", reachable);
  document.addEventListener("toggle", reachable, true);
}
