package redact
import ("testing";"os";"bufio";"compress/gzip";"encoding/json")
func logsKiB() []string {
 f,_:=os.Open("/work/shared/data/logs/all.jsonl.gz"); z,_:=gzip.NewReader(f)
 d:=json.NewDecoder(bufio.NewReader(z)); var out []string; cur:=""; i:=0
 for d.More() { var r struct{Line string}; d.Decode(&r); i++; if i%7!=0 { continue }; cur+=r.Line+"\n"; if len(cur)>1000 { out=append(out,cur); cur="" } }
 return out
}
func BenchmarkReal(b *testing.B){ t:=logsKiB(); n:=0; for _,s:=range t { n+=len(s) }; var r Redactor; b.SetBytes(int64(n)); b.ReportAllocs(); for b.Loop() { for _,s:=range t { r.Text(s) } } }
