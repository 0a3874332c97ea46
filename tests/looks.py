"""What is asked of everything that can be seen on the page, as functions for the browser."""

from typing import Any

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
VISIBLE = "node => node.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})"
UNNAMED = f"""() => [...document.querySelectorAll('a, button, input, textarea, section, nav, [role=region]')]
  .filter({VISIBLE})
  .filter(node => !(node.ariaLabel || node.labels?.[0]?.textContent || node.innerText || '').trim())
  .map(node => node.outerHTML)"""
SMALL = f"""() => [...document.querySelectorAll('a, button, input, textarea')].filter({VISIBLE})
  .filter(node => !node.classList.contains('skip'))
  .map(node => [node.id || node.className, node.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 24).map(([name]) => name)"""
WIDER = "() => document.documentElement.scrollWidth - innerWidth"
LANDMARKS = f"""() => ['main', 'nav', 'h1'].map(tag =>
  [tag, [...document.querySelectorAll(tag)].filter({VISIBLE}).length])"""
