"""List the studies, a line each."""

from analysis.study.index import studies

if __name__ == "__main__":
    found = studies()
    width = max(map(len, found))
    for name, line in found.items():
        print(f"python -m analysis.{name:{width}}  {line}")
